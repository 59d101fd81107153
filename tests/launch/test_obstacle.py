"""Why a Python is not attached, by its words and variables, and which Python a command starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from samebits.launch import obstacle
from samebits.launch.obstacle import BOOTSTRAP

ATTACHED = {"SAMEBITS_PLAN": "{}", "PYTHONPATH": BOOTSTRAP}


@pytest.mark.parametrize(
    ("words", "variables", "why"),
    [
        ("python x.py -I", ATTACHED, None),
        ("python -c x -E", ATTACHED, None),
        ("python -m x -S", ATTACHED, None),
        ("python -WI -X E -Bu x.py", ATTACHED, None),
        ("python --check-hash-based-pycs never x.py", ATTACHED, None),
        ("python -I x.py", ATTACHED, "-I ignores"),
        ("python3.13 -BE x.py", ATTACHED, "-E ignores"),
        ("python -uSm x", ATTACHED, "-S leaves out"),
        ("python -W ignore -Ic x", ATTACHED, "-I ignores"),
        ("python x.py", {}, "its environment was replaced"),
        ("python x.py", {"SAMEBITS_PLAN": "{}", "PYTHONPATH": "/x"}, "its PYTHONPATH was replaced"),
        ("python x.py", {"SAMEBITS_CONTROL": "{}"}, "its PYTHONPATH was replaced"),
    ],
)
def test_why_a_python_is_not_attached(words: str, variables: dict[str, str], why: str | None) -> None:
    said = obstacle.obstacle(words.split(), variables)
    assert said is None if why is None else said is not None and said.startswith(why)


def test_another_sitecustomize_before_ours(tmp_path: Path) -> None:
    variables = {"SAMEBITS_PLAN": "{}", "PYTHONPATH": os.pathsep.join([str(tmp_path), BOOTSTRAP])}
    assert obstacle.obstacle(["python", "x.py"], variables) is None
    (tmp_path / "sitecustomize.py").touch()
    assert str(tmp_path) in (obstacle.obstacle(["python", "x.py"], variables) or "")


@pytest.mark.parametrize(
    ("command", "argv", "variables"),
    [
        ("python -I x.py", "python -I x.py", {"A": "1"}),
        ("/a/bin/python3.12 x", "/a/bin/python3.12 x", {"A": "1"}),
        ("env B=2 python x", "python x", {"A": "1", "B": "2"}),
        ("env -i B=2 python x", "python x", {"B": "2"}),
        ("env -u A -- nohup python x", "python x", {}),
        ("env --unset=A python x", "python x", {}),
        ("python-config x", None, {}),
        ("sh -c python", None, {}),
        ("env -C / python", None, {}),
        ("env", None, {}),
    ],
)
def test_the_python_that_a_command_names(command: str, argv: str | None, variables: dict[str, str]) -> None:
    answer = obstacle.started(command.split(), {"A": "1"}, shebang=False)
    assert answer == (None if argv is None else (argv.split(), variables))


@pytest.mark.parametrize(
    ("head", "python"),
    [
        ("#!/x/bin/python3 -u", ["/x/bin/python3", "-u"]),
        ("#! /usr/bin/env python3", ["python3"]),
        ("#!/usr/bin/env -S python3 -I", ["python3", "-I"]),
        ("#!/bin/sh\n'''exec' \"/a b/bin/python\" \"$0\" \"$@\"\n' '''", ["/a b/bin/python"]),
        ("#!/bin/sh\n'''exec' /a/bin/python \"$0\" \"$@\"", ["/a/bin/python"]),
        ("#!/bin/sh\necho", None),
        ("", None),
    ],
)
def test_the_python_of_a_script_with_a_first_line(
    tmp_path: Path, head: str, python: list[str] | None
) -> None:
    script = tmp_path / "torchrun"
    script.write_text(head + "\n")
    script.chmod(0o755)
    answer = obstacle.started(["torchrun", "x.py"], {"PATH": str(tmp_path)})
    assert (answer and answer[0]) == (None if python is None else [*python, "torchrun", "x.py"])


def test_a_command_without_control_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    warned = obstacle.Warned()
    for words in (
        ["python", "-I", "x.py"],
        ["python", "-I", "y.py"],
        ["python", "x.py"],
        "python -I x.py",
        None,
    ):
        warned(words, ATTACHED)
    assert capsys.readouterr().err == (
        "samebits: 'python -I x.py' is started without control: -I ignores PYTHONPATH, by which samebits"
        " attaches: start it without -I\n"
    )
