"""`samebits verify`: its words, its errors in one sentence, its exit codes, where its output goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.cli import _output, _program
from samebits.cli._program import split
from samebits.errors import LaunchError
from samebits.launch import Control, Program

from .conftest import Answer, Below, Verdict
from .test_runs import keep

pytestmark = pytest.mark.usefixtures("folder")

Run = Callable[..., Answer]


def test_defaults(samebits: Run, below: Below) -> None:
    assert samebits("verify", "train.py").code == 0
    assert below.program == Program("script", ("train.py",))
    assert below.options == {
        "runs": 2,
        "steps": None,
        "level": "auto",
        "control": Control(None, False),
        "out": Path(".samebits"),
        "timeout": None,
        "progress": None,
    }


def test_every_option(samebits: Run, below: Below) -> None:
    words = "--runs 3 --steps 7 --level op --seed 0 --deterministic --out kept --timeout 1.5 --json v.json"
    assert samebits("verify", *words.split(), "train.py").code == 0
    assert below.options == {
        "runs": 3,
        "steps": 7,
        "level": "op",
        "control": Control(0, True),
        "out": Path("kept"),
        "timeout": 1.5,
        "progress": None,
    }
    assert json.loads(Path("v.json").read_text()) == {"format": "samebits.verdict", "verdict": "same"}


@pytest.mark.parametrize(
    ("words", "kind", "target"),
    [
        (["train.py", "--epochs", "1"], "script", ("train.py", "--epochs", "1")),
        (["train.py", "--help"], "script", ("train.py", "--help")),
        (["train.py", "--runs", "9", "--", "-m"], "script", ("train.py", "--runs", "9", "--", "-m")),
        (["--runs", "2", "train.py", ""], "script", ("train.py", "")),
        (["-m", "package.train", "--lr", "1"], "module", ("package.train", "--lr", "1")),
        (["-mpackage.train", "-h"], "module", ("package.train", "-h")),
        (["--deterministic", "-m", "package"], "module", ("package",)),
        (["--", "sh", "-c", "true"], "command", ("sh", "-c", "true")),
        (["--level", "op", "--", "sh", "train.py"], "command", ("sh", "train.py")),
        (["--json", "-", "train.py"], "script", ("train.py",)),
        (["--out=a b", "./train.py"], "script", ("./train.py",)),
    ],
)
def test_programs(samebits: Run, below: Below, words: list[str], kind: str, target: tuple[str, ...]) -> None:
    answer = samebits("verify", *words)
    assert answer.code == 0, answer.err
    assert below.program == Program(kind, target)


@pytest.mark.parametrize("name", ["a b/c d.py", "ünï/çødé.py", "-strange.py", "q'uote\".py", "train"])
def test_odd_paths(samebits: Run, below: Below, name: str) -> None:
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text("x = 1\n")
    word = f"./{name}" if name.startswith("-") else name
    assert samebits("verify", word).code == 0
    assert below.program.target == (word,)


NOTHING = "what is to be run?"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], f"{NOTHING} Give a script"),
        (["--runs", "3"], f"{NOTHING} Give a script"),
        (["-m"], f"{NOTHING} Give a module's name after -m"),
        (["--"], f"{NOTHING} Give a command after --"),
        ([""], NOTHING),
        (["gone.py"], "there is no script 'gone.py' here"),
        (["--epochs", "1", "train.py"], "No such option '--epochs'"),
        (["--epochs", "1", "train.py"], "Options of the program itself go after its name"),
        (["--runs", "1", "train.py"], "1 is not in the range x>=2"),
        (["--runs", "two", "train.py"], "'two' is not a valid integer"),
        (["--runs"], "requires an argument"),
        (["--steps", "-1", "train.py"], "-1 is not in the range x>=1"),
        (["--steps", "0", "train.py"], "0 is not in the range x>=1"),
        (["--level", "all", "train.py"], "'all' is not one of 'auto', 'step', 'op'"),
        (["--seed", "-1", "train.py"], "'-1' is not a whole number of 0 .."),
        (["--seed", str(2**128), "train.py"], "is not a whole number of 0 .."),
        (["--seed", "1.5", "train.py"], "'1.5' is not a whole number of 0 .. 2**128 - 1"),
        (["--timeout", "0", "train.py"], "0.0 is not a number of seconds above 0"),
        (["--timeout", "-3", "train.py"], "-3.0 is not a number of seconds above 0"),
        (["--timeout", "nan", "train.py"], "nan is not a number of seconds above 0"),
        (["--timeout", "inf", "train.py"], "inf is not a number of seconds above 0"),
        (["--out", "train.py", "train.py"], "'train.py' is not a folder"),
        (["--json", ".", "train.py"], "'.' is a folder; give a file"),
        (["--json", "no/where.json", "train.py"], "there is no folder 'no'"),
        (["."], "'.' is a folder; give the script inside it"),
        (["-"], "a script cannot be read from the standard input"),
        (["sh", "train.py"], "'sh' is a command, not a script; write -- before it: -- sh ..."),
        (["-m", "train.py"], "-m takes a module's name with dots, not the path 'train.py'"),
        (["-m", "a b"], "'a b' is not a module's name"),
        (["--", "no-such-command"], "there is no command 'no-such-command' on this machine's PATH"),
        (["--", "train.py"], "'train.py' is not executable; to run it as a Python script, leave out the --"),
    ],
)
def test_bad_usage_is_one_sentence(samebits: Run, below: Below, words: list[str], sentence: str) -> None:
    answer = samebits("verify", *words)
    assert answer.code == 2
    assert sentence in answer.err
    assert answer.err.startswith("samebits")
    assert answer.err.count("\n") == 1
    assert answer.out == ""
    assert below.calls == []


def test_script_without_permission(samebits: Run, below: Below, monkeypatch: pytest.MonkeyPatch) -> None:
    # The superuser may read everything, so the answer is put into the system's mouth.
    monkeypatch.setattr(_program.os, "access", lambda path, mode: False)
    answer = samebits("verify", "train.py")
    assert (answer.code, answer.err) == (
        2,
        "samebits verify: the script 'train.py' cannot be read: permission denied.\n",
    )


def test_json_folder_without_permission(samebits: Run, below: Below, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_output.os, "access", lambda path, mode: False)
    answer = samebits("verify", "--json", "v.json", "train.py")
    assert answer.code == 2
    assert "the folder '.' cannot be written to" in answer.err


@pytest.mark.parametrize("content", [b"\x7fELF\x02\x01\x00\x00", b"#!/bin/sh\necho hi there\n", b"{]"])
def test_a_file_that_is_not_python(samebits: Run, below: Below, content: bytes) -> None:
    Path("program").write_bytes(content)
    answer = samebits("verify", "program")
    assert answer.code == 2
    assert "'program' is not a Python script; to run it as a command, write -- before it" in answer.err


def test_a_fifo_is_refused(samebits: Run, below: Below) -> None:
    os.mkfifo("pipe.py")
    answer = samebits("verify", "pipe.py")
    assert answer.code == 2
    assert "is not a regular file" in answer.err


def test_a_script_with_a_syntax_error_is_the_scripts_failure(samebits: Run, below: Below) -> None:
    Path("broken.py").write_text("def (")
    assert samebits("verify", "broken.py").code == 0
    assert below.program == Program("script", ("broken.py",))


@pytest.mark.parametrize(("verdict", "code"), [("same", 0), ("diverged", 1), ("failed", 2)])
def test_exit_codes(samebits: Run, below: Below, verdict: str, code: int) -> None:
    below.verdict = Verdict(verdict, code)
    answer = samebits("verify", "train.py")
    assert answer.code == code
    assert answer.out == f"verdict: {verdict}\n"


def test_json_on_stdout_is_alone(samebits: Run, below: Below) -> None:
    def noise() -> None:
        print("printed by us")
        subprocess.run([sys.executable, "-c", "print('printed by the program')"], check=True)

    below.during = noise
    answer = samebits("verify", "--json", "-", "train.py")
    assert json.loads(answer.out) == {"format": "samebits.verdict", "verdict": "same"}
    assert "printed by the program" in answer.err
    assert "verdict: same" in answer.err


def test_json_replaces_a_file(samebits: Run, below: Below) -> None:
    Path("v.json").write_text("old")
    assert samebits("verify", "--json", "v.json", "train.py").code == 0
    assert json.loads(Path("v.json").read_text())["verdict"] == "same"
    assert sorted(path.name for path in Path().iterdir()) == ["train.py", "v.json"]


def test_interrupted(samebits: Run, below: Below) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    below.during = interrupt
    answer = samebits("verify", "--json", "-", "train.py")
    assert answer.code == 130
    assert answer.out == ""
    assert "interrupted; what was recorded so far is kept, see `samebits runs`" in answer.err


def test_an_error_of_a_room_is_one_sentence(samebits: Run, below: Below) -> None:
    def refuse() -> None:
        raise LaunchError("'train.py' could not be started: no memory")

    below.during = refuse
    answer = samebits("verify", "train.py")
    assert (answer.code, answer.err) == (2, "samebits: 'train.py' could not be started: no memory\n")


def test_a_fault_of_our_own_does_not_look_like_a_divergence(samebits: Run, below: Below) -> None:
    def fault() -> None:
        raise ZeroDivisionError("oops")

    below.during = fault
    answer = samebits("verify", "train.py")
    assert answer.code == 2
    assert "ZeroDivisionError: oops" in answer.err
    assert answer.err.endswith("this is a fault of samebits itself; please report it with the lines above\n")


def test_help_belongs_to_us_before_the_script(samebits: Run, below: Below) -> None:
    answer = samebits("verify", "--help")
    assert answer.code == 0
    for word in ("Examples:", "torchrun", "--runs", "--json", "--deterministic", "Exit code: 0"):
        assert word in answer.out
    assert below.calls == []


def test_a_name_that_is_no_text(samebits: Run, below: Below) -> None:
    answer = samebits("verify", "gone\udcff.py")
    assert answer.code == 2
    assert answer.err.count("\n") == 1


WORDS = st.sampled_from(
    ["--runs", "3", "--json", "-", "--", "-m", "-mx", "train.py", "--deterministic", "--x=1", ""]
)


@given(st.lists(WORDS, max_size=8))
def test_splitting_loses_no_word(words: list[str]) -> None:
    own, kind, target = split(words, frozenset({"--runs", "--json"}))
    assert words[: len(own)] == own
    rest = words[len(own) :]
    if rest and kind == "script":
        assert list(target) == rest
    elif rest:
        assert rest[0] == "--" or rest[0].startswith("-m")
        assert rest == ["--", *target] or rest == ["-m", *target] or rest == ["-m" + target[0], *target[1:]]
    else:
        assert target == ()


@pytest.mark.parametrize(
    ("words", "detail"), [([], "normal"), (["-q"], "quiet"), (["--quiet"], "quiet"), (["-v"], "verbose")]
)
def test_how_much_is_said(samebits: Run, below: Below, words: list[str], detail: str) -> None:
    assert samebits("verify", *words, "train.py").code == 0
    assert below.detail == detail


def test_quiet_and_verbose_are_not_both(samebits: Run, below: Below) -> None:
    for command in ("verify", "record"):
        answer = samebits(command, "-q", "-v", "train.py")
        assert (answer.code, answer.err) == (2, f"samebits {command}: give -q or -v, not both.\n")
    assert below.calls == []


def test_the_runs_know_their_verdict(samebits: Run, below: Below) -> None:
    for name in ("a1", "b2"):
        keep(Path(".samebits"), name)
    Path(".samebits/b2/run.json").write_text("cut sh")  # and a damaged one spoils nothing
    below.verdict = Verdict("diverged", 1, ("a1", "b2", "gone"))
    assert samebits("verify", "train.py").code == 1
    assert json.loads(Path(".samebits/a1/run.json").read_text())["verdict"] == "diverged"
    assert Path(".samebits/b2/run.json").read_text() == "cut sh"
    assert sorted(path.name for path in Path(".samebits/a1").iterdir()) == [
        "progress",
        "run.json",
        "stdout.txt",
    ]


@pytest.mark.parametrize("command", ["verify", "record", "run"])
def test_a_notebook(samebits: Run, below: Below, command: str) -> None:
    Path("nb.ipynb").write_text("{}")
    for name in ("nb.ipynb", "gone.ipynb"):
        answer = samebits(command, name)
        assert answer.code == 2
        assert f"jupyter nbconvert --to script {name}" in answer.err
        assert f"-- jupyter execute {name}" in answer.err
        assert answer.err.count("\n") == 1
    assert below.calls == []


def test_json_never_overwrites_a_script(samebits: Run, below: Below) -> None:
    before = Path("train.py").read_text()
    answer = samebits("verify", "--json", "train.py", "train.py")
    assert (answer.code, below.calls) == (2, [])
    assert "it takes the file to write, or - for the standard output" in answer.err
    assert Path("train.py").read_text() == before


@pytest.mark.slow
def test_a_reader_that_leaves_changes_no_verdict(folder: Path) -> None:
    """`samebits verify train.py --json FILE | head -1`"""
    Path("train.py").write_text("import torch\nprint(torch.rand(3))\n")
    read, write = os.pipe()
    os.close(read)
    try:
        command = [sys.executable, "-m", "samebits", "verify", "--json", "found.json", "train.py"]
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(write)
    told = [
        line for line in done.stderr.splitlines() if "building the observer" not in line
    ]  # if it is the first
    assert (done.returncode, told) == (1, [])
    assert json.loads(Path("found.json").read_text())["verdict"] == "diverged"


def test_a_reader_that_leaves_is_no_finding(folder: Path) -> None:
    """`| true`: 1 would say that the runs diverge."""
    code = (
        "import sys\nfrom samebits.cli import _output\nfrom samebits.cli.main import app\n"
        "import os, signal\nr, w = os.pipe(); os.close(r); os.dup2(w, 1)\n"
        "app.main(['runs'])\n"
    )
    keep(Path(".samebits"), "a1")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "")
