"""An audit on a terminal: nothing in it is markup, and its last line counts what there is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from tests.audit.planted import plant
from tests.audit.results import result

from samebits.audit.baseline import KnownFinding
from samebits.audit.engine import Audit, Unread
from samebits.audit.result import AuditResult
from samebits.model.sites import Site
from samebits.report.audit import print_audit, summary


def printed(of: AuditResult) -> str:
    stream = io.StringIO()
    print_audit(of, Console(file=stream, width=200))
    return stream.getvalue()


def test_the_last_line() -> None:
    assert summary(AuditResult(Audit((), files=1))) == "nothing found in 1 file."
    assert summary(AuditResult(Audit((), files=1200), hidden=1500)) == (
        "nothing found in 1,200 files; 1,500 more in the baseline."
    )
    mended = AuditResult(Audit((), files=2), mended=2, files=("a.py",))
    assert summary(mended) == "2 findings mended in 1 file; nothing more found in 2 files."
    assert summary(AuditResult(Audit((), files=2), mended=2)) == (
        "2 findings can be mended; nothing more found in 2 files."
    )
    broken = AuditResult(Audit((), (Unread("a.py", 3, "not Python"),), files=2))
    assert summary(broken) == "nothing found in 2 files; 1 file could not be read or written."


def test_nothing_is_markup() -> None:
    audit = Audit((), (Unread("[red]a.py\x1b", 3, "[bold]why"),), ((Site("[b].py", 2), ("[/x]",)),), 1)
    text = printed(AuditResult(audit, gone=(KnownFinding("hash-order", "[i].py", "x = [/y]", 1),)))
    assert "[red]a.py\\x1b:3 [bold]why" in text
    assert "[b].py:2 the comment `samebits: ignore[[/x]]` leaves out nothing" in text
    assert "[i].py: hash-order is in the baseline and not found any more: x = [/y]" in text


def test_lines_that_are_added_and_a_notebooks_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    monkeypatch.chdir(tmp_path)
    Path("n.ipynb").write_text('{"cells": [{"source": "import os"}, {"source": "def f():\\n    needs()"}]}')
    text = printed(result())
    assert "cell 2 of n.ipynb, line 2:5 needs-import needs() is called." in text
    added = text.split("fix:\n")[1].splitlines()[:4]
    assert added == [
        "      + import zlib",
        "        import os",
        "      -     needs()",
        "      +     zlib.crc32(b'')",
    ]


def test_what_a_run_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text("number()\n")
    of = result()
    marked = AuditResult(of.audit, of.texts, of.rules, of.edits, ("confirmed",))
    assert "a.py:1:1 number (fragile) [confirmed] number() is called." in printed(marked)
