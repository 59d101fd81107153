"""Files that nobody would write: an audit answers for each, soon, and goes on."""

from __future__ import annotations

import random
import sys
import sysconfig
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.audit import audit_paths
from samebits.audit.engine import joined
from samebits.audit.mender import Mender
from samebits.audit.one_file import audited
from samebits.audit.reading import UnreadableSource, decoded
from samebits.causes import CATALOGUE

LONGEST = 10.0  # seconds for one file, on a machine that others use
RULES = frozenset(name for name, cause in CATALOGUE.items() if cause.rule is not None)


def answered(data: bytes, name: str = "a.py") -> None:
    """An audit of one file, its fixes tried."""
    began = time.perf_counter()
    audit = joined([audited(data, name)], RULES)
    hits = [one.hit for one in audit.findings if one.hit is not None and one.hit.mend is not None]
    if hits:
        Mender(decoded(data, name)).together(hits)
    assert audit.files + sum(one.cell is None for one in audit.unread) == 1
    assert time.perf_counter() - began < LONGEST


DEEP = sys.getrecursionlimit() * 2
TEXTS = {
    "nothing": b"",
    "a blank": b" ",
    "a mark": b"\xef\xbb\xbf",
    "two marks": b"\xef\xbb\xbf\xef\xbb\xbfx = 1\n",
    "a null": b"x = 1\0\n",
    "a null in a text": b"x = '\0'\n",
    "UTF-16": "x = 1\n".encode("utf-16"),
    "no UTF-8": b"x = '\xff'\n",
    "surrogates": b"x = '\\ud800'\nprint(list({'\\udfff'}))\n",
    "an encoding that is none": b"# coding: klingon\nx = 1\n",
    "an encoding of bytes": b"# coding: hex\n313233\n",
    "an encoding of nulls": b"# coding: utf-16\nx = 1\n",
    "two encodings": b"\xef\xbb\xbf# coding: latin-1\nx = 1\n",
    "brackets": b"(" * DEEP + b")" * DEEP,
    "lists": b"x = " + b"[" * 90 + b"]" * 90,
    "minus": b"x = " + b"-" * DEEP + b"1\n",
    "not": b"x = " + b"not " * DEEP + b"1\n",
    "a sum": b"x = " + b"+".join([b"a"] * DEEP) + b"\n",
    "calls": b"x = f" + b"()" * DEEP + b"\n",
    "attributes": b"x = a" + b".b" * DEEP + b"\n",
    "subscripts": b"x = a" + b"[0]" * DEEP + b"\n",
    "functions": b"".join(b" " * i + b"def f():\n" for i in range(90)) + b" " * 90 + b"pass\n",
    "lambdas": b"x = " + b"lambda: " * 900 + b"1\n",
    "conditions": b"x = " + b"1 if a else " * DEEP + b"2\n",
    "elif": b"if a: pass\n" + b"elif a: pass\n" * DEEP,
    "f-strings": b"x = f'{f\"{1}\"}'\n" * 2000,
    "a long line": b"x = '" + b"a" * (1 << 20) + b"'\nprint(list({x}))\n",
    "a long list": b"x = [" + b"1, " * 300_000 + b"]\n",
    "a long set": b"for x in {" + b"'a', " * 100_000 + b"}: print(x)\n",
    "many lines": b"x = 1\n" * 100_000,
    "many sets": b"for x in set(a):\n    print(x)\n" * 3_000,
    "many names": b"".join(b"x%d = x%d\n" % (i, i - 1) for i in range(20_000)) + b"print(list(x19999))\n",
    "a circle of names": b"a = b\nb = a\nfor x in a: print(x)\n",
    "one name": b"s = set(s)\n" * 300 + b"print(list(s))\n",
    "functions in a circle": b"def f(): return g()\ndef g(): return f()\nprint(list(f()))\n",
    "classes in a circle": b"class A(B): pass\nclass B(A): pass\nA().f()\nclass C(C): pass\nC()\n",
    "imports of itself": b"from a import *\nimport a\nfrom . import a\nfrom ........ import x\n",
    "line ends": b"x = 1\ry = 2\r\nz = 3\n\x0c\n\x0b = 4",
    "continued": b"x = \\\n" * 3000 + b"1\n",
    "no end": b"x = '''",
    "comments": b"# samebits: ignore[" + b"a," * 10_000 + b"\n" + b"# samebits: ignore[]\n" * 1000,
    "a match": b"match a:\n    case {'a': [*_, {'b': x}]} | [x, *_]: pass\n",
    "stars": b"def f(*a, **k): return list({*a, *k})\nf(*set(a), **{**k})\n",
    "soft": b"type = match = case = _ = {1}\nprint(*type)\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_odd_texts(name: str) -> None:
    answered(TEXTS[name])


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"[]", b"null", b"\xff", b"[" * 99_999,
        b'{"cells": [{"source": 3}]}', b'{"cells": [null]}',
        b'{"cells": {"a": 1}}', b'{"cells": [{"cell_type": "code", "source": ["%%bash\\n", "rm -r /"]}]}',
        b'{"cells": [{"source": [["x"]]}]}', b'{"cells": [{"source": "x = (\\n"}]}',
        b'{"cells": [{"source": "!ls \\\\\\n-l\\n?x\\ny?\\nfor a in set(b): print(a)"}]}',
    ],
)  # fmt: skip
def test_odd_notebooks(data: bytes) -> None:
    answered(data, "n.ipynb")


WORDS = [
    "set(",
    "list(",
    "{a}",
    "for",
    "x",
    "in",
    "(",
    ")",
    ":",
    "if",
    "else",
    "def",
    "f",
    "lambda",
    ",",
    "*",
    "**",
    "=",
    ":=",
    "+",
    ".",
    "a",
    "b",
    "'c'",
    "f'{a}'",
    "import",
    "from",
    "as",
    "random",
    "torch",
    "np",
    ".manual_seed(",
    ".shuffle(",
    "return",
    "yield",
    "await",
    "async",
    "with",
    "class",
    "@",
    "[",
    "]",
    "{",
    "}",
    "os.listdir(",
    "del",
    "global",
    "not",
    "is",
    "None",
    "0",
    "1.5e9",
    "DataLoader(",
    "shuffle=True",
    "num_workers=2",
    "__getitem__",
    "self.rng",
    "default_rng(0)",
]
WHITE = [" ", "\n", "\n    ", "\t", "\\\n", "# samebits: ignore[hash-order]\n"]


@given(st.lists(st.sampled_from(WORDS + WHITE), max_size=60))
def test_words_in_any_order(words: list[str]) -> None:
    answered(" ".join(words).encode())


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    answered(data)


def test_a_folder_of_them(tmp_path: Path) -> None:
    for number, data in enumerate(TEXTS.values()):
        if len(data) < 100_000:
            (tmp_path / f"a{number}.py").write_bytes(data)
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "to_nothing.py").symlink_to(tmp_path / "none.py")
    (tmp_path / "circle").symlink_to(tmp_path)
    audit = audit_paths([tmp_path], select=["all"], cache=False)
    assert audit.files > 15
    assert len(audit.unread) > 5


#: The interpreter's own tests, with files that are meant to be no Python.
ROOT = Path(sysconfig.get_path("stdlib"), "test")
TESTS = sorted(ROOT.rglob("*.py"))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


SOME = random.Random(0).sample(TESTS, min(12, len(TESTS)))


@pytest.mark.parametrize("path", SOME, ids=_name)
def test_some_of_the_tests_of_python(path: Path) -> None:
    answered(path.read_bytes(), str(path))


@pytest.mark.deep
@pytest.mark.parametrize("path", TESTS, ids=_name)
def test_every_one_of_the_tests_of_python(path: Path) -> None:
    answered(path.read_bytes(), str(path))


@pytest.mark.deep
def test_damaged_source() -> None:
    """Bytes of real files, some of them changed."""
    rng = random.Random(1)
    for path in rng.sample(TESTS, min(40, len(TESTS))):
        data = bytearray(path.read_bytes()[:20_000])
        for _ in range(10):
            for _ in range(rng.randrange(1, 4)):
                if data:
                    data[rng.randrange(len(data))] = rng.choice(b"()[]{}'\"\\\n\t :=#\0\xff,.*a1")
            try:
                decoded(bytes(data), "a.py").module()
            except UnreadableSource:
                pass
            answered(bytes(data))
