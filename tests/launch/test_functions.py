"""`samebits.verify`, `record` and `run` as functions: plain words in, refused with one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import samebits
from samebits.launch import Control, Program, functions

TRAIN = """
import sys, torch
model = torch.nn.Linear(4, 4)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
for _ in range(4):
    optimizer.zero_grad()
    model(torch.ones(2, 4)).sum().backward()
    optimizer.step()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "nb.ipynb").write_text("{}")
    (tmp_path / "out").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def called(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Program, dict[str, Any]]]:
    """What the launcher below would have been asked to run."""
    calls: list[tuple[Program, dict[str, Any]]] = []
    for name in ("verify_program", "record_program"):
        monkeypatch.setattr(functions, name, lambda program, **options: calls.append((program, options)))
    return calls


@pytest.mark.parametrize(
    ("given", "options", "program"),
    [
        (("train.py",), {}, Program("script", ("train.py",))),
        (
            (Path("train.py"), ["--epochs", 1, 0.5, Path("x")]),
            {},
            Program("script", ("train.py", "--epochs", "1", "0.5", "x")),
        ),
        ((), {"module": "package.train", "args": ("a",)}, Program("module", ("package.train", "a"))),
        ((), {"command": ["sh", Path("train.py"), 2]}, Program("command", ("sh", "train.py", "2"))),
    ],
)
@pytest.mark.parametrize("name", ["verify", "record"])
def test_words(
    called: list[tuple[Program, dict[str, Any]]], name: str, given: Any, options: Any, program: Program
) -> None:
    getattr(samebits, name)(*given, **options)
    assert called[0][0] == program
    assert called[0][1]["out"] == Path(".samebits")
    assert called[0][1]["control"] == Control()


def test_options(called: list[tuple[Program, dict[str, Any]]]) -> None:
    samebits.verify(
        "train.py",
        runs=3,
        steps=5,
        level="op",
        seed=7,
        deterministic=True,
        portable=True,
        out="kept",
        timeout=9,
    )
    assert called[0][1] == {
        "runs": 3, "steps": 5, "level": "op", "control": Control(7, True, True), "out": Path("kept"),
        "timeout": 9.0, "progress": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "options", "kind", "text"),
    [
        ((), {}, ValueError, "give one of a script, module= or command=; got none"),
        (("train.py",), {"module": "x"}, ValueError, "got script and module"),
        (("",), {}, ValueError, "the script is empty"),
        ((["train.py", "x"],), {}, TypeError, r"the script must be a path.*another program as command="),
        ((7,), {}, TypeError, "the script must be a path, got 7"),
        (("train.py", "--epochs 1"), {}, TypeError, "args must be a sequence of words"),
        (("train.py", [None]), {}, TypeError, r"args\[0\] must be a str, a path or a number, got None"),
        (("train.py", [True]), {}, TypeError, r"args\[0\] must be"),
        (("train.py", ["a\0b"]), {}, ValueError, "zero byte"),
        ((), {"command": "torchrun train.py"}, TypeError, "command must be a sequence of words"),
        ((), {"command": []}, ValueError, "the command is empty"),
        ((), {"command": ["sh"], "args": ["x"]}, ValueError, "a command has its own words"),
        ((), {"command": ["no-such-command"]}, ValueError, "there is no command 'no-such-command'"),
        ((), {"module": "train.py"}, ValueError, "-m takes a module's name with dots"),
        (("gone.py",), {}, ValueError, "there is no script 'gone.py' here"),
        (("nb.ipynb",), {}, ValueError, "'nb.ipynb' is a notebook, not a script: write `jupyter nbconvert"),
        (("train.py",), {"seed": 1.0}, TypeError, "the seed must be an int"),
        (("train.py",), {"deterministic": 1}, TypeError, "deterministic must be True or False, got 1"),
        (("train.py",), {"portable": None}, TypeError, "portable must be True or False"),
    ],
)
@pytest.mark.parametrize("name", ["verify", "record", "run"])
def test_what_cannot_be_meant(
    folder: Path, name: str, given: Any, options: Any, kind: type, text: str
) -> None:
    with pytest.raises(kind, match=f"^{name}: .*{text}") as refused:
        getattr(samebits, name)(*given, **options)
    assert isinstance(refused.value, samebits.SamebitsError)
    assert not (folder / ".samebits").exists()


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"runs": 1}, ValueError, "runs must be at least 2, got 1"),
        ({"runs": 2.0}, TypeError, "runs must be an int of at least 2, got 2.0"),
        ({"steps": 0}, ValueError, "steps must be at least 1"),
        ({"steps": True}, TypeError, "steps must be an int"),
        ({"level": "all"}, ValueError, "level must be one of 'auto', 'step', 'op', got 'all'"),
        ({"level": []}, ValueError, "level must be one of"),
        ({"timeout": 0}, ValueError, "timeout must be a number of seconds above 0"),
        ({"timeout": float("nan")}, ValueError, "timeout must be a number of seconds above 0"),
        ({"timeout": "9"}, TypeError, "timeout must be a number of seconds, got '9'"),
        ({"out": 3}, TypeError, "out must be the path of a folder"),
        ({"out": "out"}, ValueError, "out='out' is not a folder"),
    ],
)
def test_options_that_cannot_be_meant(folder: Path, options: Any, kind: type, text: str) -> None:
    with pytest.raises(kind, match=f"^verify: {text}") as refused:
        samebits.verify("train.py", **options)
    assert isinstance(refused.value, samebits.SamebitsError)
    assert not (folder / ".samebits").exists()


def test_run_returns_the_exit_code(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "code.py").write_text(
        "import random, sys; print(random.random(), sys.argv[1:]); sys.exit(int(sys.argv[1]))"
    )
    assert samebits.run("code.py", [7], seed=3, deterministic=False) == 7
    first = capfd.readouterr().out
    assert samebits.run("code.py", [7], seed=3, deterministic=False) == 7
    assert capfd.readouterr().out == first
    assert first.endswith("['7']\n")
    assert samebits.run(command=["sh", "-c", "kill -9 $$"]) == -9


@pytest.mark.slow
def test_a_whole_verification(folder: Path) -> None:
    """In an interpreter of its own, as a user's notebook would call it."""
    program = (
        "import samebits, sys\n"
        "verdict = samebits.verify('train.py', args=['--epochs', 1], steps=2, seed=1, out='kept')\n"
        "run = samebits.record('train.py', level='step', steps=2, out='kept')\n"
        "assert run.info['status'] == 'finished' and run.records, run.info\n"
        "assert 'torch' not in sys.modules\n"
        "print(verdict.verdict, verdict.steps)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "same 2"
