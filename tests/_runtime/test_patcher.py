"""Names of other modules, replaced and put back."""

from __future__ import annotations

from types import SimpleNamespace

from samebits._runtime.patcher import Replaced


class Doubled(Replaced):
    def install(self, owner: SimpleNamespace) -> None:
        self._alive = True
        self._replace(owner, "number", owner.number * 2)


def test_everything_is_as_before() -> None:
    owner, replaced = SimpleNamespace(number=1), Doubled()
    replaced.install(owner)
    assert owner.number == 2
    replaced.uninstall()
    assert owner.number == 1
    assert not replaced._alive


def test_the_last_first() -> None:
    owner, replaced = SimpleNamespace(number=1), Doubled()
    replaced.install(owner)
    replaced.install(owner)
    assert owner.number == 4
    replaced.uninstall()
    assert owner.number == 1


def test_again() -> None:
    owner, replaced = SimpleNamespace(number=1), Doubled()
    for _ in range(2):
        replaced.install(owner)
        assert owner.number == 2
        assert replaced._alive
        replaced.uninstall()
    replaced.uninstall()
    assert owner.number == 1
