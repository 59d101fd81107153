"""A program that starts in another folder, and with variables of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from samebits.control.settings import Control
from samebits.errors import LaunchError
from samebits.launch.obstacle import BOOTSTRAP
from samebits.launch.output import kept
from samebits.launch.process import new_folder, start
from samebits.launch.program import Program
from samebits.observe.plan import PLAN, Plan
from samebits.record.run import Run


def ran(program: Program, out: Path) -> Run:
    plan = Plan(str(new_folder(out)))
    folder = start(program, Control(), plan, quiet=True, timeout=None, progress=None, verify=None)
    return Run.open(folder)


def test_variables_come_after_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "1")
    monkeypatch.setenv("GONE", "1")
    given = (("MINE", "2"), ("GONE", None), ("ABSENT", None), ("PYTHONHASHSEED", "7"), (PLAN, "{}"))
    program = Program("script", ("x.py",), variables=given)
    variables = program.environment(Control(3, False), Plan("/nowhere"))
    assert [variables.get(name) for name, _ in given] == ["2", None, None, "7", "{}"]
    assert os.environ["GONE"] == "1"


@pytest.mark.parametrize(
    ("given", "paths"), [("/mine:/yours", ["/mine", "/yours"]), ("", []), (None, [])], ids=str
)
def test_a_path_of_its_own_does_not_keep_samebits_out(
    monkeypatch: pytest.MonkeyPatch, given: str | None, paths: list[str]
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/theirs")
    program = Program("script", ("x.py",), variables=(("PYTHONPATH", given),))
    assert program.environment(Control())["PYTHONPATH"].split(os.pathsep) == [BOOTSTRAP, *paths]
    assert Program("script", ("x.py",)).environment(Control())["PYTHONPATH"].endswith("/theirs")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["script", "command"])
def test_it_starts_in_its_folder(tmp_path: Path, kind: str) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "says.py").write_text("import os; print(os.getcwd(), os.environ.get('GIVEN'))\n")
    subprocess.run(["git", "init", "-q"], cwd=there, check=True)
    target = ("says.py",) if kind == "script" else (sys.executable, "says.py")
    program = Program(kind, target, folder=str(there), variables=(("GIVEN", "a b"),))  # type: ignore[arg-type]
    assert program.checked(Control(), observing=True) is not None
    with ran(program, tmp_path / "out") as run:
        assert (run.info["status"], run.info["cwd"]) == ("finished", str(there))
        assert run.info["git"] == {"commit": None, "dirty": True}
    assert kept(run.path, "stdout") == f"{there} a b\n"


def test_a_command_is_looked_for_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    program = Program("command", ("bin/python", "x.py"), folder=str(tmp_path))
    found = program.checked(Control(), observing=True)
    assert found is not None
    assert found.version == sys.version_info[:2]
    (tmp_path / "run").write_text(f"#!{tmp_path}/bin/python -I\n")
    (tmp_path / "run").chmod(0o755)
    with pytest.raises(LaunchError, match=r"'\./run' would run without samebits: -I ignores PYTHONPATH"):
        Program("command", ("./run",), folder=str(tmp_path)).checked(Control(), observing=True)


@pytest.mark.parametrize("kind", ["script", "command"])
def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, kind: str) -> None:
    program = Program(kind, ("sh",), folder=str(tmp_path / "gone"))  # type: ignore[arg-type]
    with pytest.raises(LaunchError, match=r"there is no folder '.*/gone', in which the program is to start"):
        program.checked(Control(), observing=False)


@pytest.mark.slow
def test_it_becomes_a_program_in_its_folder(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom samebits.launch import Control, Program\n"
        "says = 'import json, os; print(json.dumps([os.getcwd(), dict(os.environ)]))'\n"
        "words = (sys.executable, '-c', says)\n"
        "given = (('GIVEN', 'x'), ('HOME', None))\n"
        f"Program('command', words, folder={str(tmp_path)!r}, variables=given).become(Control())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    folder, variables = json.loads(done.stdout)
    assert folder == str(tmp_path)
    assert variables["GIVEN"] == "x"
    assert "HOME" not in variables


def test_what_it_cannot_become_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    here = os.getcwd()
    (tmp_path / "broken").write_text("no program")
    (tmp_path / "broken").chmod(0o755)
    with pytest.raises(LaunchError, match="Exec format error"):
        Program("command", ("./broken",), folder=str(tmp_path)).become(Control())
    assert os.getcwd() == here
