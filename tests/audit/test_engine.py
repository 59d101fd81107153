"""The engine: what it reads, what it refuses, in which order it answers, and that it runs nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from samebits import UsageError, UsageTypeError
from samebits.audit import Finding, audit_file, audit_source

FAULT = "names = {'a', 'b'}\norder = list(names)\n"


def test_a_problem_has_all_that_a_person_needs(tmp_path: Path) -> None:
    file = tmp_path / "train.py"
    file.write_text(FAULT)
    (problem,) = audit_file(file)
    assert (problem.site.file, problem.site.line, problem.site.column, problem.cause) == (
        str(file),
        2,
        14,
        "hash-order",
    )
    assert str(problem).startswith(f"{file}:2:14: hash-order: list() takes the order of a set")
    assert "sorted(names)" in problem.fix


def test_sorted_and_the_same_again() -> None:
    text = (
        "import random\nrandom.shuffle(x)\n"
        + FAULT
        + "rng = random.Random()\nb = tuple(set(a)); c = list(set(a))\n"
    )
    found = audit_source(text, "x.py")
    assert [(problem.site.line, problem.site.column) for problem in found] == [
        (2, 1),
        (4, 14),
        (5, 7),
        (6, 11),
        (6, 29),
    ]
    assert found == audit_source(text, "x.py")
    assert all(isinstance(problem, Finding) for problem in found)


def test_columns_are_characters() -> None:
    (problem,) = audit_source("é = 'ü'; order = list({'ö', 'b'})\n")
    assert problem.site.column == 23


@pytest.mark.parametrize(
    ("comment", "hidden"),
    [
        ("# samebits: ignore", True),
        ("# samebits: ignore[hash-order]", True),
        ("# noqa  # samebits: ignore[wall-clock, hash-order] since it is one", True),
        ("# samebits: ignore[wall-clock]", False),
        ("# samebits: ignored", False),
        ("; text = '# samebits: ignore'", False),
    ],
)
def test_comments(comment: str, hidden: bool) -> None:
    assert (audit_source(FAULT.rstrip() + f"  {comment}\n") == []) == hidden


def test_encodings(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    for head, encoding in (("# -*- coding: latin-1 -*-\n", "latin-1"), ("", "utf-8-sig"), ("", "utf-8")):
        file.write_bytes((head + "x = 'é'\n" + FAULT).encode(encoding))
        assert [problem.site.line for problem in audit_file(file)] == [3 + bool(head)]
    file.write_bytes(FAULT.replace("\n", "\r\n").encode())
    assert [problem.site.line for problem in audit_file(file)] == [2]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"x = (\n", r"a\.py:1:5 is not Python: '\(' was never closed\."),
        (b"x = 1\0\n", r"a\.py is not Python source: it has null bytes\."),
        (b"x = '\xe9'\n", r"a\.py cannot be decoded: .*Save it as UTF-8, or say its encoding"),
        (b"# coding: klingon\n", r"a\.py cannot be decoded: unknown encoding"),
        (b"x = " + b"-" * 100_000 + b"1\n", r"a\.py"),
    ],
)
def test_what_is_refused(data: bytes, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(data)
    with pytest.raises(UsageError, match=sentence):
        audit_file(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file or directory"):
        audit_file(tmp_path / "none.py")
    with pytest.raises(UsageError, match="cannot be read"):
        audit_file("a\0b.py")


def test_deep_trees() -> None:
    text = "x = " + "+".join(["a"] * 900) + "\n" + FAULT
    assert [problem.site.line for problem in audit_source(text)] == [3]
    limit = sys.getrecursionlimit()
    if sys.version_info < (3, 12):  # where Python's own parser goes no deeper than it says
        branches = "if a:\n    pass\n" + "".join(f"elif a == {n}:\n    pass\n" for n in range(1500))
        for deep in ("x = " + "+".join(["a"] * 5000), "x = a" + ".b()" * 1500, branches):
            assert [problem.site.line for problem in audit_source(f"{FAULT}{deep}\n")] == [2]
    assert sys.getrecursionlimit() == limit
    with pytest.raises(UsageError, match=r"nested too deeply|cannot be parsed: \w+"):
        audit_source("x = set(a) - " + " - ".join(["set(a)"] * 60_000) + "\nlist(x)\n", "deep.py")


def test_nothing_is_run(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nraise SystemExit\n")
    assert audit_file(file) == []
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("path", [b"train.py", 3, None])
def test_what_is_no_path(path: object) -> None:
    with pytest.raises(UsageTypeError, match="audit_file: the path must be a text or a path, got"):
        audit_file(path)  # type: ignore[arg-type]


def test_processes_that_read_end_with_who_started_them(tmp_path: Path) -> None:
    """Also where that is killed."""
    for number in range(40):
        lines = "".join(f"def f{line}(x):\n    return [x, {{x: {line}}}]\n" for line in range(1500))
        (tmp_path / f"m{number}.py").write_text(lines)
    program = (
        "from samebits.audit import audit_paths\nimport sys\naudit_paths(sys.argv[1:], jobs=2, cache=False)\n"
    )
    started = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children")
    deadline = time.monotonic() + 60
    while not (pids := children.read_text().split()) and time.monotonic() < deadline:
        time.sleep(0.02)
    started.kill()
    started.wait()
    assert pids
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
