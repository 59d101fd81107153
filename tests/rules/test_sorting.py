"""`sorted()` as a fix: where a program would not run with it, something else is written, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from samebits.audit import fixes
from samebits.audit.engine import chosen, read_paths
from samebits.audit.texts import Texts


@pytest.fixture
def mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def made(rule: str, text: str, *, unsafe: bool = False) -> tuple[str, str]:
        """The file after its fixes, and why the first that could not be made was not."""
        Path("a.py").write_text(text)
        outcomes = read_paths(["a.py"], cache=False)
        done = fixes.mend(outcomes, chosen([rule]), Texts(), lambda audit: audit, unsafe=unsafe)
        why = done.left[0].why if done.left else ""
        return (done.files["a.py"][1].decode() if done.files else text), why

    return made


FROM = "from pathlib import Path\nimport glob\nimport os\n"
NUMBERED = "x = {p: i for i, p in enumerate(it)}\n"
KEY = "key=lambda entry: entry.name"


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("it = Path('d').glob('*')\nfirst = next(it)\n" + NUMBERED, "iter(sorted(Path('d').glob('*')))"),
        ("it = glob.iglob('d/*')\ny = list(it)\n" + NUMBERED, "iter(sorted(glob.iglob('d/*')))"),
        ("it = glob.iglob('d/*')\n" + NUMBERED, "sorted(glob.iglob('d/*'))"),
        ("it = glob.glob('d/*')\nx = list(it)[3], list(it)\n", "sorted(glob.glob('d/*'))"),
        (
            "it = glob.iglob('d/*')\nfor e in range(2):\n    for n in it:\n        rows.append(n)\n",
            "iter(sorted(glob.iglob('d/*')))",
        ),
        ("it = os.scandir('d')\nnext(it)\n" + NUMBERED, f"iter(sorted(os.scandir('d'), {KEY}))"),
        ("def f(d):\n    return Path(d).iterdir()\nx = list(f('d'))[2]\n", "iter(sorted(Path(d).iterdir()))"),
        ("x = tuple(Path('d').iterdir())[2]\n", "tuple(sorted(Path('d').iterdir()))"),
    ],
)
def test_an_iterator_stays_one_where_it_is_used_as_one(mended, text: str, becomes: str) -> None:
    after, _ = mended("directory-order", FROM + text)
    assert becomes in after
    assert after.count("sorted(") == 1
    compile(after, "a.py", "exec")
    assert ("iter(" in becomes) == ("iter(" in after)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("it = glob.iglob('d/*')\n" + NUMBERED + "it.close()\n", "it is used as a generator"),
        ("it = os.scandir('d')\nwith it:\n    x = list(it)[3]\n", "it is entered by `with`"),
        ("def f(d):\n    return os.scandir(d)\nx = list(f('d'))[3]\n", "whoever gets it may close it"),
        (
            "with os.scandir('d') as it:\n    first = next(it)\n    x = [e.name for e in it]\n",
            "the entries are taken in several places",
        ),
        ("def sorted(x): ...\nx = os.listdir('d')[2]\n", "sorted is another name here than the builtin"),
        ("from natsort import natsorted as sorted\nx = os.listdir('d')[2]\n", "sorted is another name"),
        ("def f(sorted):\n    x = os.listdir('d')[2]\n    return x\n", "sorted is another name"),
    ],
)
def test_a_listing_is_left_where_the_program_would_not_run(mended, text: str, why: str) -> None:
    after, said = mended("directory-order", FROM + text)
    assert after == FROM + text
    assert said.startswith(why)


def test_another_functions_name_is_no_hindrance(mended) -> None:
    text = "import os\ndef f(sorted):\n    return sorted\nclass A:\n    def sorted(self): ...\n"
    assert "sorted(os.listdir('d'))" in mended("directory-order", text + "x = os.listdir('d')[2]\n")[0]


NUMBERS = "x = {w: i for i, w in enumerate(s)}\n"


def of_class(given: str) -> str:
    head = f"from dataclasses import dataclass\n@dataclass(frozen=True{given})\nclass K:\n    n: str\n"
    return f"{head}s = {{K('a'), K('b')}}\n{NUMBERS}"


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        (
            "s = {'b', 'a'}\nx = {}\nwhile s:\n    y = s.pop()\n    x[y] = len(x)\n",
            "    y = min(s)\n    s.remove(y)\n",
        ),
        ("s = {'b', 'a'}\ns.pop()\nx = list(s)[3]\n", "\ns.remove(min(s))\n"),
        ("y = set('ab').pop()\nx = [y]\n", "y = min(set('ab'))\n"),
        ("s = {'a', 1, None}\n" + NUMBERS, "sorted(s, key=repr)"),
        ("s = {'a'}\ns.add('b')\ns.add(3)\nx = list(s)[1]\n", "x = sorted(s, key=repr)[1]"),
        ("s = {('a', 1), ('a', None)}\n" + NUMBERS, "sorted(s, key=repr)"),
        ("s = {('a', None), ('b', None)}\n" + NUMBERS, "sorted(s))"),
        ("s = {w for w in words}\n" + NUMBERS, "sorted(s))"),
        (of_class(", order=True"), "sorted(s))"),
    ],
)
def test_a_set_is_sorted_so_that_the_program_runs(mended, text: str, becomes: str) -> None:
    after, _ = mended("hash-order", text, unsafe=True)
    assert becomes in after


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (of_class(""), "its elements have no order"),
        (
            "from enum import Enum\nclass C(Enum):\n    A = 1\ns = {C.A, 'a'}\n" + NUMBERS,
            "its elements have no",
        ),
        ("s = {frozenset(r) for r in rows}\n" + NUMBERS, "its elements have no order"),
        ("s = {r.get('label') for r in rows}\n" + NUMBERS, "its elements may be of several kinds"),
        ("s = {'a', 'b'}\nx = [s.pop(), 1]\n", "where the element goes is not plain"),
        (
            "s = {'a', 'b'}\ntry:\n    y = s.pop()\nexcept KeyError:\n    y = ''\nx = [y]\n",
            "what is raised for an",
        ),
        (
            "def f(names):\n    y = names & z\n    return [n for n in names]\ns = {'a', 'b'}\nx = f(s)[1]\n",
            "f() may need a set",
        ),
        ("def min(x): ...\ns = {'a', 'b'}\ny = s.pop()\nx = [y]\n", "min is another name here"),
    ],
)
def test_a_set_is_left_where_the_program_would_not_run(mended, text: str, why: str) -> None:
    after, said = mended("hash-order", text, unsafe=True)
    assert after == text
    assert said.startswith(why)


FUTURES = "from concurrent.futures import as_completed\nfs = [p.submit(f, x) for x in xs]\n"


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        (
            "it = as_completed(fs)\nfirst = next(it)\nrows = [f.result() for f in it]\n",
            "it = as_completed(fs)",
        ),
        ("it = as_completed(fs)\nrows = [f.result() for f in it]\n", "it = fs\n"),
        ("for f in as_completed(fs):\n    fs.remove(f)\n    rows.append(f.result())\n", "in list(fs):"),
        ("for f in as_completed(fs):\n    rows.append(f.result())\n", "in fs:"),
    ],
)
def test_futures_in_the_place_of_an_iterator(mended, text: str, becomes: str) -> None:
    after, _ = mended("completion-order", FUTURES + text)
    assert becomes in after
