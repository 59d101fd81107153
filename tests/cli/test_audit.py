"""`samebits audit`: its words, its exit codes, and what it prints, writes and leaves."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tests.audit.planted import plant

from .conftest import Answer

Run = Callable[..., Answer]
SCHEMA = json.loads((Path(__file__).parents[2] / "docs/reference/audit.schema.json").read_text("utf-8"))
CHECKED = Draft202012Validator(SCHEMA)

LIST = "import os\nx = os.listdir(d)\n"
MENDED = "import os\nx = sorted(os.listdir(d))\n"


@pytest.fixture(autouse=True)
def _planted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plant(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)


def given(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_clean(samebits: Run) -> None:
    Path("a.py").write_text("x = 1\n")
    answer = samebits("audit")
    assert (answer.code, answer.out, answer.err) == (0, "nothing found in 1 file.\n", "")


def test_what_a_person_reads(samebits: Run) -> None:
    Path("a.py").write_text(f"{LIST}    \n\nnumber(1)\n")
    Path("b.py").write_text("y = 1  # samebits: ignore[listing]\nby_hand()\n")
    answer = samebits("audit", "--no-cache")
    assert (answer.code, answer.err) == (1, "")
    assert answer.out.split("\n") == [
        "a.py:2:5 listing os.listdir() is called.",
        "    x = os.listdir(d)",
        "    fix:",
        "      - x = os.listdir(d)",
        "      + x = sorted(os.listdir(d))",
        "a.py:5:1 number (fragile) number() is called.",
        "    number(1)",
        "    fix, with --unsafe-fixes:",
        "      - number(1)",
        "      + len(1)",
        "",
        "b.py:2:1 by-hand by_hand() is called.",
        "    by_hand()",
        "    fix:",
        "      not by_hand()",
        "    see b.py:2: the first call",
        "",
        "b.py:1 the comment `samebits: ignore[listing]` leaves out nothing",
        "",
        "3 findings (1 fragile) in 2 files of 2; --fix mends 1; --unsafe-fixes 1 more.",
        "",
    ]
    quiet = samebits("audit", "-q")
    assert (quiet.code, quiet.out) == (1, answer.out.splitlines()[-1] + "\n")
    assert "    1  number" in samebits("audit", "-v").out


def test_an_unused_comment_alone_is_no_finding(samebits: Run) -> None:
    Path("b.py").write_text("y = 1  # samebits: ignore\n")
    answer = samebits("audit")
    assert answer.code == 0
    assert "b.py:1 the comment `samebits: ignore` leaves out nothing" in answer.out


def test_a_file_that_cannot_be_read_and_the_rest(samebits: Run) -> None:
    Path("a.py").write_text(LIST)
    Path("bad.py").write_text("x = (\n")
    answer = samebits("audit")
    assert answer.code == 2
    assert "a.py:2:5 listing" in answer.out
    assert "bad.py:1 not Python: '(' was never closed" in answer.out
    assert answer.out.endswith("; 1 file could not be read or written.\n")


def test_a_folder_that_cannot_be_listed(samebits: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = os.scandir

    def scandir(path: str) -> object:
        if "shut" in os.fspath(path):
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    Path("inner/shut").mkdir(parents=True)
    Path("inner/a.py").write_text("x = 1\n")
    monkeypatch.setattr(os, "scandir", scandir)
    answer = samebits("audit", ".")
    assert answer.code == 2
    assert "inner/shut cannot be read: Permission denied\n" in answer.out
    assert samebits("audit", "--exclude", "shut").code == 0
    assert samebits("audit", "inner/shut").code == 2


def test_what_lies_beside_files_and_is_none(samebits: Run) -> None:
    os.mkfifo("pipe.py")
    Path("gone.py").symlink_to("nothing")
    Path("a.py").write_text("x = 1\n")
    assert samebits("audit").out == "nothing found in 1 file.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("none.py", "'none.py' is not there."),
        ("--select nothing", "there is no rule 'nothing'; `samebits rule` lists them."),
        ("--ignore listing,nothing", "there is no rule 'nothing'"),
        ("--select Listing", "there is no rule 'Listing'; did you mean listing?"),
        ("--select by_hand", "there is no rule 'by_hand'; did you mean by-hand?"),
        ("--ignore all", "no rule is left to run"),
        ("--select ,", "no rule is left to run"),
        ("--select listing --ignore listing", "no rule is left to run"),
        ("pipe", "'pipe' is neither a file nor a folder; --stdin-filename reads the standard input."),
        ("--unsafe-fixes", "--unsafe-fixes is for --fix or --diff."),
        ("--fix --diff", "give --fix or --diff, not both."),
        ("--fix --stdin-filename a.py", "--fix cannot write a file that is read from the standard input"),
        ("--diff --json -", "--json - and --diff cannot both have the standard output."),
        ("--output sarif --json -", "--json - and --output sarif cannot both have the standard output."),
        ("--output json --diff", "--diff and --output json cannot both have the standard output."),
        ("--write-baseline b.json --fix", "--write-baseline goes with no other output"),
        ("--write-baseline none/b.json", "there is no folder 'none' to write it in."),
        (
            "--baseline b.json",
            "there is no baseline 'b.json'; `samebits audit --write-baseline b.json` writes",
        ),
        ("--run none", "no run 'none' in .samebits"),
        ("--output yaml", "is not one of"),
        ("-q -v", "give -q or -v, not both."),
    ],
)
def test_what_is_refused(samebits: Run, words: str, sentence: str) -> None:
    Path("a.py").write_text(LIST)
    os.mkfifo("pipe")
    answer = samebits("audit", *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert sentence in answer.err
    assert Path("a.py").read_text() == LIST


def test_rules_and_paths_are_chosen(samebits: Run) -> None:
    Path("a.py").write_text(f"{LIST}number()\nunasked()\n")
    Path("old").mkdir()
    Path("old/b.py").write_text(LIST)

    def rules(*words: str) -> list[str]:
        document = json.loads(samebits("audit", "--output", "json", *words).out)
        CHECKED.validate(document)
        return sorted({f"{one['file']} {one['rule']}" for one in document["findings"]})

    assert rules() == ["a.py listing", "a.py number", "old/b.py listing"]
    assert rules("--exclude", "old") == ["a.py listing", "a.py number"]
    assert rules("--select", "listing", "--exclude", "a.py,none") == ["old/b.py listing"]
    assert rules("--select", "number", "--select", "unasked") == ["a.py number", "a.py unasked"]
    assert rules("--select", "all", "--ignore", "listing, number") == ["a.py unasked"]
    assert rules("old") == ["old/b.py listing"]


def test_fix(samebits: Run) -> None:
    Path("a.py").write_text(f"{LIST}number(1)\nunclear()\n")
    answer = samebits("audit", "--fix")
    assert answer.code == 1
    assert Path("a.py").read_text() == f"{MENDED}number(1)\nunclear()\n"
    assert "a.py:4:1 unclear was not mended: nobody knows" in answer.out
    assert answer.out.endswith(
        "1 finding mended in 1 file; 2 findings (1 fragile) left in 1 file of 1; --fix --unsafe-fixes 1.\n"
    )
    answer = samebits("audit", "--fix", "--unsafe-fixes", "--ignore", "unclear")
    assert (answer.code, answer.out) == (0, "1 finding mended in 1 file; nothing more found in 1 file.\n")
    assert Path("a.py").read_text() == f"{MENDED}len(1)\nunclear()\n"
    assert (
        samebits("audit", "--fix", "--unsafe-fixes", "--ignore", "unclear").out
        == "nothing found in 1 file.\n"
    )


def test_diff(samebits: Run) -> None:
    Path("a.py").write_bytes(b"# coding: latin-1\r\n# \xe9\r\n" + LIST.replace("\n", "\r\n").encode())
    before = Path("a.py").read_bytes()
    answer = samebits("audit", "--diff")
    assert answer.code == 1
    assert answer.out.startswith("--- a/a.py\n+++ b/a.py\n")
    assert "+x = sorted(os.listdir(d))" in answer.out
    assert answer.err == "1 finding can be mended; nothing more found in 1 file.\n"
    assert Path("a.py").read_bytes() == before
    Path("a.py").write_text("number()\n")
    answer = samebits("audit", "--diff", "--json", "found.json")
    assert (answer.code, answer.out) == (0, "")
    assert len(json.loads(Path("found.json").read_text())["findings"]) == 1
    Path("b.py").write_text("x = (\n")
    assert samebits("audit", "--diff").code == 2


def test_a_diff_is_what_git_applies(samebits: Run) -> None:
    Path("a b.py").write_text(LIST)
    Path("c.py").write_text(LIST.rstrip())
    answer = samebits("audit", "--diff")
    subprocess.run(["git", "apply", "-"], input=answer.out, text=True, check=True)
    assert (Path("a b.py").read_text(), Path("c.py").read_text()) == (MENDED, MENDED.rstrip())


def test_json_beside_the_text(samebits: Run) -> None:
    Path("a.py").write_text(LIST)
    answer = samebits("audit", "--json", "-")
    document = json.loads(answer.out)
    CHECKED.validate(document)
    assert (answer.code, len(document["findings"])) == (1, 1)
    assert "a.py:2:5 listing" in answer.err
    assert samebits("audit", "--json", "found.json").out == answer.err
    assert json.loads(Path("found.json").read_text()) == document
    assert json.loads(samebits("audit", "--output", "json").out) == document


def test_sarif_and_github(samebits: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    Path("a.py").write_text(LIST)
    answer = samebits("audit", "--output", "sarif")
    assert (answer.code, json.loads(answer.out)["version"], answer.err) == (1, "2.1.0", "")
    answer = samebits("audit", "--output", "github")
    assert (answer.code, answer.out.partition("::os")[0]) == (
        1,
        "::error file=a.py,line=2,endLine=2,col=5,endColumn=18,title=listing",
    )


def test_a_baseline_takes_no_other_files_place(samebits: Run) -> None:
    Path("a.py").write_text(LIST)
    before = Path("a.py").read_bytes()
    answer = samebits("audit", "--write-baseline", "a.py")
    assert answer.code == 2
    assert "is there and is no baseline" in answer.err
    assert Path("a.py").read_bytes() == before
    Path("known.json").touch()
    for _ in range(2):  # an empty file, and a baseline
        assert samebits("audit", "--write-baseline", "known.json").code == 0


def test_a_baseline(samebits: Run) -> None:
    Path("a.py").write_text(f"{LIST}number()\n")
    answer = samebits("audit", "--write-baseline", "known.json")
    assert (answer.code, answer.out, answer.err) == (0, "", "samebits audit: known.json: 2 findings\n")
    answer = samebits("audit", "--baseline", "known.json", "--fix")
    assert (answer.code, answer.out) == (0, "nothing found in 1 file; 2 more in the baseline.\n")
    Path("a.py").write_text(f"\n\n{LIST}by_hand()\n")
    answer = samebits("audit", "--baseline", "known.json", "--output", "json")
    document = json.loads(answer.out)
    assert (answer.code, [one["rule"] for one in document["findings"]]) == (1, ["by-hand"])
    gone = {"rule": "number", "file": "a.py", "text": "number()", "occurrence": 1}
    assert document["baseline"] == {"hidden": 1, "gone": [gone]}
    assert (
        "a.py: number is in the baseline and not found any more"
        in samebits("audit", "--baseline", "known.json").out
    )
    Path("b.py").write_text("x = (\n")
    before = Path("known.json").read_text()
    answer = samebits("audit", "--write-baseline", "known.json")
    assert (answer.code, Path("known.json").read_text()) == (2, before)
    assert "was not written" in answer.err


def test_the_standard_input(samebits: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.py").write_text("x = 1\n")
    Path("b.py").write_text(LIST)
    Path("inner").mkdir()
    for name in ("a.py", "./inner/../a.py", str(Path("a.py").absolute())):
        given(monkeypatch, LIST.encode())
        document = json.loads(samebits("audit", "--stdin-filename", name, "--output", "json").out)
        assert [one["line"] for one in document["findings"]] == [2]
        assert Path(document["findings"][0]["file"]).absolute() == Path("a.py").absolute()
    given(monkeypatch, LIST.encode())
    answer = samebits("audit", "--stdin-filename", "new.py", ".", "--diff")
    assert (answer.code, answer.out.splitlines()[-1]) == (1, "+x = sorted(os.listdir(d))")
    given(monkeypatch, b"x = 1\n")
    answer = samebits("audit", "--stdin-filename", "a.py", ".")
    assert (answer.code, answer.out) == (0, "nothing found in a.py, read with 1 other file.\n")
    given(monkeypatch, LIST.encode())
    answer = samebits("audit", "--stdin-filename", "a.py", ".", "-q")
    assert answer.out == "1 finding in a.py, read with 1 other file; --fix mends 1.\n"
    given(monkeypatch, b"x = (\n")
    answer = samebits("audit", "--stdin-filename", "a.py")
    assert (answer.code, "a.py:1 not Python" in answer.out) == (2, True)
    assert Path("a.py").read_text() == "x = 1\n"
    assert not Path("new.py").exists()


def test_options_in_pyproject(samebits: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.py").write_text(f"{LIST}number()\n")
    Path("old").mkdir()
    Path("old/b.py").write_text(LIST)
    table = "[tool.samebits.audit]\n"
    Path("pyproject.toml").write_text(table + 'ignore = ["number"]\nexclude = ["old"]\n')
    document = json.loads(samebits("audit", "--output", "json").out)
    assert [(one["file"], one["rule"]) for one in document["findings"]] == [("a.py", "listing")]
    document = json.loads(samebits("audit", "--output", "json", "--ignore", "listing").out)
    assert [(one["file"], one["rule"]) for one in document["findings"]] == [("a.py", "number")]
    Path("pyproject.toml").write_text(table + 'select = "number, unasked"\n')
    document = json.loads(samebits("audit", "--output", "json").out)
    assert [one["rule"] for one in document["findings"]] == ["number"]
    Path("pyproject.toml").write_text(table + "select = [3]\n")
    answer = samebits("audit")
    assert answer.code == 2
    assert "[tool.samebits.audit] select: expected a list of texts, got [3]" in answer.err
    samebits("--no-config", "audit", "--write-baseline", "known.json")
    Path("pyproject.toml").write_text(table + 'baseline = "known.json"\n')
    monkeypatch.chdir("old")
    assert samebits("--no-config", "audit").code == 1
    Path("../.git").mkdir()
    assert samebits("audit").code == 0  # the baseline is beside pyproject.toml


def test_a_path_that_is_no_text_and_control_characters(samebits: Run) -> None:
    Path("a\x1b[31m.py").write_text(
        "import os\nx = os.listdir('\\x1b')  # \x1b[31m\n".replace("\\x1b", "\x1b")
    )
    answer = samebits("audit")
    assert answer.code == 1
    assert "\x1b" not in answer.out
