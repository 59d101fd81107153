"""Names of other modules, replaced and put back."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from samebits._runtime.patcher import Patcher, replace, wrap


class Doubled(Patcher):
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


class Base:
    def inherited(self) -> str:
        return "base"


class Owner(Base):
    @staticmethod
    def static() -> str:
        return "static"

    @classmethod
    def of_class(cls) -> str:
        return cls.__name__

    @property
    def derived(self) -> str:
        return "property"


@pytest.mark.parametrize("name", ["static", "of_class", "derived", "inherited"])
def test_what_the_owner_held_itself_is_put_back(name: str) -> None:
    before = dict(vars(Owner))
    undo = replace(Owner, name, lambda self: "ours")
    assert vars(Owner)[name] is not before.get(name)
    undo()
    assert dict(vars(Owner)) == before
    assert (Owner.static(), Owner().static(), Owner.of_class(), Owner().derived, Owner().inherited()) == (
        *("static", "static", "Owner", "property", "base"),
    )


@pytest.mark.parametrize("name", ["static", "of_class", "inherited"])
def test_a_wrapped_function_is_of_its_kind(name: str) -> None:
    class Below(Owner):
        pass

    before, given = dict(vars(Owner)), getattr(Below(), name)()
    undo = wrap(Owner, name, lambda original, *args: f"<{original(*args)}>")
    assert getattr(Below(), name)() == f"<{given}>"
    undo()
    assert dict(vars(Owner)) == before
    assert getattr(Below(), name)() == given


def test_a_name_that_was_absent_is_so_again() -> None:
    module = ModuleType("made_here")
    undo = replace(module, "name", 1)
    assert vars(module)["name"] == 1
    undo()
    assert "name" not in vars(module)


def test_an_owner_that_keeps_its_attributes_elsewhere() -> None:
    class Configuration:
        def __init__(self) -> None:
            vars(self)["kept"] = {"a": 1}

        def __getattr__(self, name: str) -> Any:
            return vars(self)["kept"][name]

        def __setattr__(self, name: str, value: Any) -> None:
            vars(self)["kept"][name] = value

    owner = Configuration()
    undo = replace(owner, "a", 2)
    assert owner.a == 2
    undo()
    assert vars(owner) == {"kept": {"a": 1}}


def test_each_is_undone_even_if_undoing_another_raised() -> None:
    owner, patched = SimpleNamespace(number=1, other=2), Patcher()
    patched._replace(owner, "number", 5)
    patched._replace(owner, "other", 6)
    patched._replace(owner, "gone", 7)
    del owner.gone
    with pytest.raises(AttributeError, match="gone"):
        patched.uninstall()
    assert vars(owner) == {"number": 1, "other": 2}
    patched.uninstall()
