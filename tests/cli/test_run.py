"""`samebits run`: what it sets, the line that says so, and that it becomes the program."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import pytest

from samebits.control.process_key import VARIABLE
from samebits.launch import Control, Program

from .conftest import Answer

pytestmark = pytest.mark.usefixtures("folder")

Run = Callable[..., Answer]


class Became(Exception):
    """In place of the program that this process would have become."""


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Program, Control]]:
    seen: list[tuple[Program, Control]] = []

    def become(program: Program, control: Control, line: str | None = None) -> NoReturn:
        if line is not None:
            print(line, file=sys.stderr)  # as the first controlled process would
        seen.append((program, control))
        raise SystemExit(7)

    monkeypatch.setattr(Program, "become", become)
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    return seen


def test_without_options_the_seed_is_0_and_that_is_said(samebits: Run, became: list[Any]) -> None:
    answer = samebits("run", "train.py", "--epochs", "1 2")
    assert answer.code == 7
    assert became == [(Program("script", ("train.py", "--epochs", "1 2")), Control(0, True))]
    assert answer.out == ""
    assert answer.err == (
        "samebits run: seed 0, hash secret 0, deterministic algorithms; "
        "repeat with: samebits run --seed 0 train.py --epochs '1 2'\n"
    )


@pytest.mark.parametrize(
    ("words", "program", "control", "line"),
    [
        (
            ["--seed", "7", "--no-deterministic", "-m", "json.tool", "x"],
            Program("module", ("json.tool", "x")),
            Control(7, False),
            "seed 7, hash secret 7, algorithms as they are; repeat with: samebits run --seed 7 "
            "--no-deterministic -m json.tool x",
        ),
        (
            ["--seed", str(2**128 - 1), "--", "sh", "-c", "true"],
            Program("command", ("sh", "-c", "true")),
            Control(2**128 - 1, True),
            f"seed {2**128 - 1}, hash secret {2**32 - 1}, deterministic algorithms; repeat with: samebits "
            f"run --seed {2**128 - 1} -- sh -c true",
        ),
    ],
)
def test_options(
    samebits: Run, became: list[Any], words: list[str], program: Program, control: Control, line: str
) -> None:
    answer = samebits("run", *words)
    assert became == [(program, control)]
    assert answer.err == f"samebits run: {line}\n"


@pytest.mark.parametrize("option", ["--quiet", "-q"])
def test_quiet(samebits: Run, became: list[Any], option: str) -> None:
    assert samebits("run", option, "train.py").err == ""
    assert len(became) == 1


def test_a_hash_secret_that_is_fixed_already_is_kept_and_said(
    samebits: Run, became: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "42")
    assert samebits("run", "train.py").err == (
        "samebits run: seed 0, hash secret 42 (from PYTHONHASHSEED), deterministic algorithms; "
        "repeat with: PYTHONHASHSEED=42 samebits run --seed 0 train.py\n"
    )


@pytest.mark.parametrize("value", ["random", "", "-1", str(2**32)])
def test_a_hash_secret_that_is_not_fixed_is_not_kept(
    samebits: Run, became: list[Any], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", value)
    assert "hash secret 3, deterministic" in samebits("run", "--seed", "3", "train.py").err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "what is to be run?"),
        (["nowhere.py"], "there is no script 'nowhere.py' here"),
        (["--", "no-such-command"], "there is no command 'no-such-command'"),
        (["--seed", "-1", "train.py"], "'-1' is not a whole number of 0 .."),
        (["--seed", "1.5", "train.py"], "'1.5' is not a whole number of 0 .. 2**128 - 1"),
        (["--steps", "3", "train.py"], "No such option '--steps'"),
    ],
)
def test_a_wrong_command_runs_nothing(
    samebits: Run, became: list[Any], words: list[str], sentence: str
) -> None:
    answer = samebits("run", *words)
    assert (answer.code, became) == (2, [])
    assert sentence in answer.err
    assert answer.err.count("\n") == 1


# --- what is started


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str], Mapping[str, str]]]:
    seen: list[tuple[str, list[str], Mapping[str, str]]] = []

    def execvpe(file: str, words: list[str], variables: Mapping[str, str]) -> None:
        seen.append((file, words, variables))
        raise Became

    monkeypatch.setattr(os, "execvpe", execvpe)
    for name in ("PYTHONHASHSEED", "CUBLAS_WORKSPACE_CONFIG", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    return seen


def become(program: Program, control: Control) -> None:
    with pytest.raises(Became):
        program.become(control)


def test_the_interpreter_starts_with_secret_workspace_and_bootstrap(executed: list[Any]) -> None:
    become(Program("script", ("train.py", "x")), Control(2**32 + 3, True))
    ((file, words, variables),) = executed
    assert file == sys.executable
    assert words[2:] == ["train.py", "x"]
    assert variables["PYTHONHASHSEED"] == "3"
    assert variables["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert os.path.isfile(os.path.join(variables["PYTHONPATH"], "sitecustomize.py"))
    told = json.loads(variables[VARIABLE])
    assert (told["seed"], told["deterministic"], told["path"]) == (2**32 + 3, True, [])
    assert "SAMEBITS_PLAN" not in variables


def test_what_the_user_set_is_kept_where_it_repeats(
    executed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "5")
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    monkeypatch.setenv("PYTHONPATH", "/mine::/yours")
    become(Program("command", ("sh",)), Control(1, True))
    ((file, _, variables),) = executed
    assert file == "sh"
    assert variables["PYTHONHASHSEED"] == "5"
    assert variables["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"
    assert variables["PYTHONPATH"].split(os.pathsep)[1:] == ["/mine", "", "/yours"]


def test_a_workspace_that_does_not_repeat_is_replaced(
    executed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":0:0")
    become(Program("command", ("sh",)), Control(1, True))
    assert executed[0][2]["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_nothing_is_controlled_that_was_not_asked_for() -> None:
    variables = Program("script", ("train.py",)).environment(Control())
    assert VARIABLE not in variables or variables[VARIABLE] == os.environ.get(VARIABLE)
    assert variables.get("PYTHONHASHSEED") == os.environ.get("PYTHONHASHSEED")


def test_a_run_below_a_run_has_the_bootstrap_once(
    executed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program("command", ("sh",))
    become(program, Control(1, True))
    monkeypatch.setenv("PYTHONPATH", executed[0][2]["PYTHONPATH"])
    become(program, Control(2, True))
    assert executed[1][2]["PYTHONPATH"] == executed[0][2]["PYTHONPATH"]
    assert json.loads(executed[1][2][VARIABLE])["seed"] == 2


def test_what_cannot_be_started_is_one_sentence(
    samebits: Run, monkeypatch: pytest.MonkeyPatch, folder: Any
) -> None:
    (folder / "broken").write_text("no program")
    (folder / "broken").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    answer = samebits("run", "-q", "--", "broken")
    assert answer.code == 2
    assert answer.err == "samebits: 'broken' could not be started: Exec format error\n"


@pytest.mark.parametrize("command", ["run", "verify", "record"])
def test_help_prints_no_bound_of_a_seed(samebits: Run, command: str) -> None:
    shown = samebits(command, "--help").out
    assert "--seed N " in shown
    assert not re.search(r"\d{10}", shown)
