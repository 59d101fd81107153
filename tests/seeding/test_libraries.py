"""Libraries with generators of their own: seeded if loaded, each from a key of its own, none imported."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from samebits.seeding.derive import Key
from samebits.seeding.libraries import _TABLE, loaded_libraries, register_library, seed_libraries


class Recorder(types.ModuleType):
    """A module of which every attribute can be called, and notes with what."""

    def __init__(self, name: str, calls: list[Any]) -> None:
        super().__init__(name)
        self.__dict__["_calls"] = calls

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Recorder(f"{self.__name__}.{name}", self._calls)

    def __call__(self, *arguments: Any) -> None:
        self._calls.append((self.__name__, *arguments))


def seeded_calls(name: str, key: Key, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []
    for other in loaded_libraries():  # another test's
        monkeypatch.delitem(sys.modules, other)
    monkeypatch.setitem(sys.modules, name, Recorder(name, calls))
    if name == "numba":
        monkeypatch.setitem(sys.modules, "numba._helperlib", Recorder("numba._helperlib", calls))
    assert seed_libraries(key) == [name]
    return [call for call in calls if len(call) > 1]


@pytest.mark.parametrize("name", sorted(_TABLE))
def test_every_library_of_the_table_takes_its_own_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = seeded_calls(name, Key(1), monkeypatch)
    assert first
    assert all("seed" in call[0].lower() or "set_state" in call[0] for call in first)
    assert [str(call) for call in seeded_calls(name, Key(1), monkeypatch)] == [str(call) for call in first]
    assert [str(call) for call in seeded_calls(name, Key(2), monkeypatch)] != [str(call) for call in first]


def test_nothing_is_imported() -> None:
    before = set(sys.modules)
    seed_libraries(Key(1))
    assert not {name for name in set(sys.modules) - before if name.split(".")[0] in _TABLE}


def test_one_that_cannot_be_seeded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for other in loaded_libraries():  # another test's
        monkeypatch.delitem(sys.modules, other)
    monkeypatch.setitem(sys.modules, "cv2", types.ModuleType("cv2"))
    with pytest.warns(UserWarning, match="could not seed cv2: AttributeError"):
        assert seed_libraries(Key(1)) == []
    assert loaded_libraries() == ["cv2"]


@pytest.mark.parametrize("name", ["", "a b", "1a", None, 3])
def test_refuses_what_is_no_module_name(name: Any) -> None:
    with pytest.raises(ValueError, match="expected a module's name"):
        register_library(name, lambda module, key: None)
    with pytest.raises(TypeError, match="must be callable"):
        register_library("name", None)  # type: ignore[arg-type]
