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
    monkeypatch.setattr(imports, "_waiting", {})
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "awaited_module.py").write_text("x = 1\n")
    (tmp_path / "awaited_package").mkdir()
    (tmp_path / "awaited_package" / "__init__.py").write_text("from awaited_package import inner\n")
    (tmp_path / "awaited_package" / "inner.py").write_text("y = 2\n")
    (tmp_path / "awaited_broken.py").write_text("raise ValueError('broken')\n")
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
