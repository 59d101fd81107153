"""Whose a file is, by its path as it is written and as links lead to it."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import numpy
import pytest
import torch

from samebits.observe.sources import Sources
from samebits.usercode import files, probes
from samebits.usercode.files import Owner, is_user_code, is_user_file, owner


def test_whose_file_it_is(tmp_path: Path) -> None:
    assert owner(str(tmp_path / "train.py")) is Owner.PROGRAM
    assert owner(__file__) is Owner.PROGRAM
    assert owner(pytest.__file__) is Owner.INSTALLED
    assert owner(probes.__file__) is Owner.SAMEBITS
    assert owner(os.__file__) is Owner.PYTHON
    assert owner("<frozen runpy>") is Owner.PYTHON
    for library in (torch, numpy):
        assert library.__file__ is not None
        assert owner(library.__file__) is Owner.LIBRARY


@pytest.mark.parametrize("folder", ["site-packages", "dist-packages"])
def test_what_lies_in_a_folder_of_packages_is_installed(folder: str, tmp_path: Path) -> None:
    assert owner(str(tmp_path / folder / "package" / "file.py")) is Owner.INSTALLED
    assert owner(str(tmp_path / f"my-{folder}" / "file.py")) is Owner.PROGRAM
    assert owner(os.path.join(sysconfig.get_path("stdlib"), folder, "x.py")) is Owner.INSTALLED


def test_links_do_not_make_a_package_the_programs(tmp_path: Path) -> None:
    """Installers fill site-packages with links to a cache; and a program may link to a package."""
    cache, site = tmp_path / "cache" / "package", tmp_path / "site-packages"
    cache.mkdir(parents=True)
    site.mkdir()
    (cache / "file.py").write_text("")
    (site / "package").symlink_to(cache)
    (tmp_path / "mine").symlink_to(site)
    assert owner(str(site / "package" / "file.py")) is Owner.INSTALLED
    assert owner(str(tmp_path / "mine" / "other.py")) is Owner.INSTALLED
    assert owner(str(cache / "file.py")) is Owner.PROGRAM


def test_a_checkout_of_torch_is_torchs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = str(tmp_path / "torch" / "nn" / "functional.py")
    assert owner(file) is Owner.PROGRAM
    checkout = ModuleType("torch")
    checkout.__file__ = str(tmp_path / "torch" / "__init__.py")
    monkeypatch.setitem(sys.modules, "torch", checkout)
    assert owner(file) is Owner.LIBRARY
    assert owner(str(tmp_path / "train.py")) is Owner.PROGRAM
    monkeypatch.setitem(sys.modules, "torch", object())
    assert owner(file) is Owner.PROGRAM


def test_a_lazy_library_is_not_loaded_to_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numpy.py").write_text("raise AssertionError('loaded')")
    spec = importlib.util.spec_from_file_location("numpy", tmp_path / "numpy.py")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "numpy", module)
    spec.loader.exec_module(module)
    assert owner(str(tmp_path / "other.py")) is Owner.LIBRARY


@pytest.mark.parametrize("name", ["", "<string>", "<stdin>", "<ipython-input-3>"])
def test_code_without_a_file_is_the_users_and_is_no_file(name: str) -> None:
    assert owner(name) is Owner.NO_FILE
    assert is_user_code(name)
    assert not is_user_file(name)


def test_both_questions_have_one_answer_for_a_file(tmp_path: Path) -> None:
    for file in (str(tmp_path / "train.py"), __file__, os.__file__, pytest.__file__, probes.__file__):
        assert is_user_file(file) == is_user_code(file)
    assert not is_user_code("<frozen importlib._bootstrap>")


def test_prefixes_tell_the_same_as_the_owner() -> None:
    python, installed = files.prefixes(Owner.PYTHON), files.prefixes(Owner.INSTALLED)
    for file in (os.__file__, os.path.join(os.path.dirname(os.__file__), "json", "decoder.py")):
        assert file.startswith(tuple(python))
        assert not file.startswith(tuple(installed))
    assert pytest.__file__.startswith(tuple(installed))
    assert not pytest.__file__.startswith(tuple(python))
    assert probes.__file__.startswith(tuple(files.prefixes(Owner.SAMEBITS)))


def test_names_in_a_record_are_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert files.relative(str(tmp_path / "models" / "net.py")) == os.path.join("models", "net.py")
    assert files.relative("/elsewhere/net.py") == "/elsewhere/net.py"


def test_a_link_in_the_working_folder_has_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events name the file that was started so, and a finding is made of both."""
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "real.py").write_text("")
    (folder / "train.py").symlink_to("src/real.py")
    (tmp_path / "way").symlink_to(folder)
    monkeypatch.chdir(folder)
    names = [
        folder / "train.py",
        folder / "src" / "real.py",
        tmp_path / "way" / "train.py",
        tmp_path / "x.py",
    ]
    files.relative.cache_clear()
    try:
        assert [files.relative(str(name)) for name in names] == [
            "train.py",
            "src/real.py",
            "src/real.py",
            str(tmp_path / "x.py"),
        ]
        sources = Sources()
        assert [sources.relative(str(name)) for name in names[:2]] == ["train.py", "src/real.py"]
    finally:
        files.relative.cache_clear()
