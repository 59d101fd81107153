"""Which texts of files a record keeps, and by what path."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from samebits.observe.sources import Sources


class Kept(dict[str, str]):
    """Takes sources as a record's writer does."""

    def source(self, path: str, text: str) -> None:
        self[path] = text


def test_paths_are_relative_to_where_the_process_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sources = Sources()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)  # os.chdir in the script changes nothing
    outside = os.path.join(os.sep, "opt", "lib.py")
    assert sources.relative(str(tmp_path / "a" / ".." / "train.py")) == "train.py"
    assert sources.relative(outside) == outside
    assert sources.relative("<string>") == "<string>"
    sources.renew()  # a forked child begins where its parent was
    assert sources.relative(str(elsewhere / "train.py")) == "train.py"


def test_a_text_is_kept_once_and_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    secret = "ghp_" + "x7Kq2Lm9Zt4Wv8Ry1Bn6Cd3Fg5Hj0Ps2QaUe"
    Path("train.py").write_text(f'token = "{secret}"\n', "utf-8")
    Path("large.py").write_text("#" * (1 << 20) + "\n", "utf-8")
    sources, kept = Sources(), Kept()
    writer: Any = kept
    for name in ("train.py", "large.py", "missing.py", "<string>"):
        sources.keep(name, writer)
    assert list(kept) == ["train.py"]
    assert secret not in kept["train.py"]
    Path("train.py").write_text("pass\n", "utf-8")
    sources.keep("train.py", writer)
    assert "token" in kept["train.py"]


def test_a_text_is_as_python_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mark.py").write_bytes(b"\xef\xbb\xbfx = '\xc3\xbc'\r\ny = 1\r\n")
    Path("latin.py").write_bytes(b"# coding: latin-1\nx = '\xfc'\n")
    Path("broken.py").write_bytes(b"# coding: no-such\nx = '\xfc'\n")
    sources, kept = Sources(), Kept()
    writer: Any = kept
    for name in ("mark.py", "latin.py", "broken.py"):
        sources.keep(name, writer)
    assert kept == {
        "mark.py": "x = 'ü'\ny = 1\n",
        "latin.py": "# coding: latin-1\nx = 'ü'\n",
        "broken.py": "# coding: no-such\nx = '\N{REPLACEMENT CHARACTER}'\n",
    }


@pytest.mark.parametrize(("name", "there"), [("train.py", True), ("bert", False)])
def test_the_file_that_was_started_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, there: bool
) -> None:
    """Nothing need happen at a line of it; a script of an installer is none of the user's."""
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("from training import main\n\nmain()\n", "utf-8")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(tmp_path / name), raising=False)
    sources, kept = Sources(), Kept()
    writer: Any = kept
    sources.keep_program(writer)
    assert list(kept) == ([name] if there else [])
