"""Mending: what is written, what stays to the byte, what is left, and that doing it again changes nothing."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samebits.audit import fixes
from samebits.audit.engine import chosen, read_paths
from samebits.audit.texts import Texts

pytestmark = pytest.mark.usefixtures("planted")

LIST = b"import os\nx = os.listdir(d)\n"
MENDED = b"import os\nx = sorted(os.listdir(d))\n"


def mended(*paths: str, unsafe: bool = False) -> fixes.Mended:
    outcomes = read_paths(paths or (".",), cache=False)
    return fixes.mend(outcomes, chosen(), Texts(), lambda audit: audit, unsafe=unsafe)


def fixed(data: bytes, name: str = "a.py", unsafe: bool = False) -> bytes:
    """A file's bytes after it was mended and written; and that this is the end of it."""
    Path(name).write_bytes(data)
    done = mended(unsafe=unsafe)
    assert fixes.write(done.files) == []
    found = Path(name).read_bytes()
    assert mended(unsafe=unsafe).files == {}
    assert Path(name).read_bytes() == found
    return found


@pytest.mark.parametrize(
    ("data", "new"),
    [
        (LIST, MENDED),
        (LIST.replace(b"\n", b"\r\n"), MENDED.replace(b"\n", b"\r\n")),
        (LIST.replace(b"\n", b"\r"), MENDED.replace(b"\n", b"\r")),
        (b"\xef\xbb\xbf" + LIST, b"\xef\xbb\xbf" + MENDED),
        (b"# coding: latin-1\n# \xe9\n" + LIST, b"# coding: latin-1\n# \xe9\n" + MENDED),
        (LIST[:-1], MENDED[:-1]),
        (
            b"import os\nx = os.listdir(\n  d,\n\n)  # why  \n\n\n",
            b"import os\nx = sorted(os.listdir(\n  d,\n\n))  # why  \n\n\n",
        ),
        (
            b"import os\n\x0cx = os.listdir(os.listdir(d)[0]); y = os.listdir(e)\n",
            b"import os\n\x0cx = sorted(os.listdir(sorted(os.listdir(d))[0])); y = sorted(os.listdir(e))\n",
        ),
        (
            "import os\nä = 'ö', f'{os.listdir(ü)!r}', os.listdir(ß)\n".encode(),
            "import os\nä = 'ö', f'{sorted(os.listdir(ü))!r}', sorted(os.listdir(ß))\n".encode(),
        ),
        (b"x = needs() + needs()\n", b"import zlib\nx = zlib.crc32(b'') + zlib.crc32(b'')\n"),
        (b"'''doc'''\r\nx = needs()\r\n", b"'''doc'''\r\nimport zlib\r\nx = zlib.crc32(b'')\r\n"),
        (b"x = number(y)\n", b"x = number(y)\n"),
    ],
)
def test_every_other_byte_stays(data: bytes, new: bytes) -> None:
    assert fixed(data) == new


def test_unsafe_ones_are_made_where_they_are_asked_for() -> None:
    data = b"import os\nx = number(os.listdir(d))\n"
    assert fixed(data) == b"import os\nx = number(sorted(os.listdir(d)))\n"
    assert fixed(data, unsafe=True) == b"import os\nx = len(sorted(os.listdir(d)))\n"


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ("broken()", "the file would no longer be Python"),
        ("fails()", "its fix failed: KeyError: 'nothing'"),
        ("unclear()", "nobody knows"),
        ("idle()", "its fix leaves what was found"),
    ],
)
def test_one_that_cannot_be_made_is_left_and_the_others_are_made(call: str, why: str) -> None:
    Path("a.py").write_text(f"import os\nx = {call}\ny = os.listdir(d)\n")
    Path("b.py").write_bytes(LIST)
    done = mended()
    assert [(left.finding.site.line, left.why) for left in done.left if left.finding.site] == [(2, why)]
    assert done.files["b.py"] == (LIST, MENDED)
    assert sum(done.made.values()) in (1, 2)
    if call != "idle()":  # which is known when all fixes of the file are made
        assert done.files["a.py"][1] == f"import os\nx = {call}\ny = sorted(os.listdir(d))\n".encode()
        assert sum(done.made.values()) == 2


def test_a_comment_leaves_a_line_as_it_is() -> None:
    data = b"import os\nx = os.listdir(d)  # samebits: ignore[listing]\n"
    assert fixed(data) == data


def test_a_file_that_changed_since_is_left(planted: Path) -> None:
    for name in "ab":
        Path(f"{name}.py").write_bytes(LIST)
    done = mended()
    Path("a.py").write_text("another\n")
    (failed,) = fixes.write(done.files)
    assert (failed.file, failed.why) == ("a.py", "was changed while it was audited, and is left as it is")
    assert Path("a.py").read_text() == "another\n"
    assert Path("b.py").read_bytes() == MENDED
    assert sorted(os.listdir()) == ["a.py", "b.py"]


def test_what_could_not_be_written_is_still_found(planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.py", "b.py"):
        Path(name).write_bytes(LIST)
    whole = fixes.write_there

    def full(path: Path, data: bytes) -> None:
        if path.name == "a.py":
            raise OSError(28, "No space left on device")
        whole(path, data)

    monkeypatch.setattr(fixes, "write_there", full)
    done = mended().written()
    assert [each.file for each in done.audit.unread] == ["a.py"]
    assert [each.hit.place.file for each in done.audit.findings if each.hit] == ["a.py"]
    assert (list(done.files), dict(done.made)) == (["b.py"], {"b.py": 1})


def test_modes_and_links_stay() -> None:
    Path("a.py").write_bytes(LIST)
    os.chmod("a.py", 0o750)
    Path("b.py").symlink_to("a.py")
    done = mended("b.py")
    assert fixes.write(done.files) == []
    assert Path("b.py").is_symlink()
    assert (Path("a.py").read_bytes(), Path("a.py").stat().st_mode & 0o777) == (MENDED, 0o750)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_file_that_cannot_be_written() -> None:
    Path("a.py").write_bytes(LIST)
    done = mended()
    os.chmod(".", 0o500)
    try:
        (failed,) = fixes.write(done.files)
    finally:
        os.chmod(".", 0o700)
    assert "cannot be written" in failed.why


def test_a_notebook() -> None:
    document = {
        "cells": [
            {"cell_type": "markdown", "source": ["os.listdir(d)"]},
            {"cell_type": "code", "source": ["%matplotlib inline\n", "import os\n", "é = os.listdir(d)"]},
            {"cell_type": "code", "source": "x = 1\n\ny = os.listdir(d)\n"},
        ],
        "nbformat": 4,
    }
    for indent, escaped in ((1, True), (1, False), (None, True), ("\t", False)):
        text = json.dumps(document, indent=indent, ensure_ascii=escaped) + "\n"
        new = fixed(text.encode(), "n.ipynb").decode()
        code = text.index('"code"')
        assert new == text[:code] + text[code:].replace("os.listdir(d)", "sorted(os.listdir(d))")


# -- programs of any form

SPACE = st.sampled_from(["", " ", "  ", "\t", " \\\n "])
NAME = st.sampled_from(["d", "é", "self.root", "'a\\tb'", '"""x\ny"""', "f'{d}'", "(d)", "*a", "d,\n"])
COMMENT = st.sampled_from(["", "  # what", " # ü\x0b", "\t", " # os.listdir(x)"])


FORMS = [
    "x = CALL",
    "CALL",
    "x = (CALL\n)",
    "x = [CALL,]",
    "y = 1; x = CALL; z = 2",
    "for x in CALL: pass",
    "x = f'{CALL!r:>{CALL}}'",
    'x = f"""\n{CALL}"""',
    "if CALL:\n\tpass\nelse:\n  x = CALL",
    "@f(CALL)\ndef g(): ...",
    'x = """\nos.listdir(d)\n""", CALL',
    "\x0cx = CALL",
]


@st.composite
def calls(draw: st.DrawFn, depth: int = 2) -> str:
    inner = draw(NAME) if depth == 0 or draw(st.booleans()) else draw(calls(depth=depth - 1)) + "[0]"
    space, after = draw(SPACE), draw(SPACE)
    name = draw(st.sampled_from(["os.listdir", "os . listdir", "os.listdir", "sorted", "len"]))
    return f"{name}{space}({after}{inner}{after})"


@st.composite
def statements(draw: st.DrawFn) -> str:
    call = draw(calls())
    return draw(st.sampled_from(FORMS)).replace("CALL", call) + draw(COMMENT)


class _Unsorted(ast.NodeTransformer):
    """Leaves calls of `sorted` out."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        return node.args[0] if getattr(node.func, "id", "") == "sorted" and node.args else node


def _unsorted(text: str) -> str:
    return ast.dump(_Unsorted().visit(ast.parse(text)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.lists(statements(), min_size=1, max_size=6), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_programs_of_any_form(found: list[str], end: str, mark: bool) -> None:
    text = "import os\n" + "\n".join(found) + "\n"
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return
    data = (b"\xef\xbb\xbf" if mark else b"") + text.replace("\n", end).encode()
    new = fixed(data)
    kept = [bytes(line).replace(b"sorted(", b"").replace(b")", b"") for line in data.split(end.encode())]
    assert [line.replace(b"sorted(", b"").replace(b")", b"") for line in new.split(end.encode())] == kept
    assert _unsorted(new.decode("utf-8-sig")) == _unsorted(text)
