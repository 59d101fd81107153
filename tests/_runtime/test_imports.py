"""Functions that wait for an import."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from samebits._runtime import imports


@pytest.fixture(autouse=True)
def undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "awaited_module.py").write_text("x = 1\n")
    (tmp_path / "awaited_package").mkdir()
    (tmp_path / "awaited_package" / "__init__.py").write_text("from awaited_package import inner\n")
    (tmp_path / "awaited_package" / "inner.py").write_text("y = 2\n")
    (tmp_path / "awaited_broken.py").write_text("raise ValueError('broken')\n")
    with imports.restored():
        yield
    for name in [name for name in sys.modules if name.startswith("awaited_")]:
        del sys.modules[name]


def test_called_after_the_import_and_once() -> None:
    seen: list[ModuleType] = []
    imports.after("awaited_module", seen.append)
    imports.after("awaited_module", lambda module: seen.append(module.x))
    assert seen == []
    module = importlib.import_module("awaited_module")
    importlib.import_module("awaited_module")
    assert seen == [module, 1]
    importlib.reload(module)
    assert len(seen) == 2


def test_called_at_once_where_it_is_there() -> None:
    module = importlib.import_module("awaited_module")
    seen: list[ModuleType] = []
    imports.after("awaited_module", seen.append)
    assert seen == [module]


def test_a_module_inside_a_package() -> None:
    seen: list[int] = []
    imports.after("awaited_package.inner", lambda module: seen.append(module.y))
    importlib.import_module("awaited_package")
    assert seen == [2]


def test_while_it_is_being_imported_it_is_not_there_yet() -> None:
    seen: list[str] = []

    def package(module: ModuleType) -> None:
        seen.append("package")

    def inner(module: ModuleType) -> None:
        imports.after("awaited_package", package)  # half imported now
        seen.append("inner")

    imports.after("awaited_package.inner", inner)
    imports.after("awaited_package", lambda module: None)
    importlib.import_module("awaited_package")
    assert seen == ["inner", "package"]


def test_an_import_that_fails_fails_as_it_would() -> None:
    seen: list[ModuleType] = []
    imports.after("awaited_broken", seen.append)
    with pytest.raises(ValueError, match="broken"):
        importlib.import_module("awaited_broken")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("awaited_nothing")
    assert seen == []


def test_the_source_and_the_spec_are_as_ever() -> None:
    imports.after("awaited_module", lambda module: None)
    module = importlib.import_module("awaited_module")
    assert module.__spec__ is not None
    assert module.__file__ == module.__spec__.origin
    assert module.__loader__.get_source("awaited_module") == "x = 1\n"  # type: ignore[union-attr]


def test_whoever_cancels_is_not_called_and_the_finder_leaves() -> None:
    before, seen = list(sys.meta_path), []
    first = imports.after("awaited_module", lambda _: seen.append(1))
    second = imports.after("awaited_module", lambda _: seen.append(2))
    first.cancel()
    first.cancel()
    assert len(sys.meta_path) == len(before) + 1
    importlib.import_module("awaited_module")
    assert seen == [2]
    assert sys.meta_path == before
    second.cancel()


def test_what_is_found_is_shown_before_it_is_loaded() -> None:
    before, found = list(sys.meta_path), []
    handle = imports.on_found(lambda spec: found.append((spec.name, spec.name in sys.modules)))
    imports.after("awaited_module", lambda module: found.append((module.__name__, True)))
    importlib.import_module("awaited_module")
    assert found == [("awaited_module", False), ("awaited_module", True)]
    handle.cancel()
    importlib.import_module("awaited_package")
    assert len(found) == 2
    assert sys.meta_path == before


def test_who_is_called_may_wait_for_the_same_module() -> None:
    seen: list[int] = []

    def first(_: ModuleType) -> None:
        imports.after("awaited_module", lambda _: seen.append(2))
        seen.append(1)

    imports.after("awaited_module", first)
    importlib.import_module("awaited_module")
    assert seen == [1, 2]


def test_finders_that_ask_each_other_come_to_an_end() -> None:
    class Another:
        def find_spec(self, name: str, path: object = None, target: object = None) -> object:
            others = (finder for finder in sys.meta_path if finder is not self)
            return next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)  # type: ignore[arg-type]

    another = Another()
    handle = imports.on_found(lambda spec: None)
    sys.meta_path.insert(0, another)  # type: ignore[arg-type]
    try:
        assert importlib.import_module("awaited_module").x == 1
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("awaited_nothing")
    finally:
        sys.meta_path.remove(another)  # type: ignore[arg-type]
        handle.cancel()
