"""samebits and the program in environments of their own, and on machines where little is as it should be."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.programs import Ended, Folder

from samebits.errors import LaunchError
from samebits.launch import Control, Program, interpreter
from samebits.launch.announced import LINE, once
from samebits.observe import describe, installation

PYTHON = {"SAMEBITS_OBSERVER": "python"}  # a test needs no compiler
#: What samebits needs for itself; the program has none of it.
OWN = ("click", "rich", "markdown_it", "mdurl", "pygments", "xxhash", "samebits")
STEP = """
import importlib.util, json, sys
import torch
torch.manual_seed(0)
w = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(w.parameters(), 0.1)
for _ in range(2):
    optimizer.zero_grad()
    w(torch.ones(2, 3)).sum().backward()
    optimizer.step()
seen = [n for n in ("click", "rich", "markdown_it", "mdurl", "pygments") if importlib.util.find_spec(n)]
print(json.dumps([sys.prefix, seen, torch.__version__]))
"""


@dataclass
class Two:
    """An environment with samebits alone, and one with torch and without samebits."""

    own: Path
    other: Path


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Two:
    root = tmp_path_factory.mktemp("environments")
    spec = importlib.util.find_spec("torch")
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parents[1]
    for name in ("own", "other"):
        venv.create(root / name, with_pip=False, symlinks=True)
    libraries = {name: next((root / name / "lib").glob("python*/site-packages")) for name in ("own", "other")}
    for name in OWN:
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        (libraries["own"] / name).symlink_to(Path(found.origin).parent)
    for entry in installed.iterdir():
        if entry.suffix != ".pth" and not entry.name.startswith((*OWN, "_editable", "_virtualenv")):
            (libraries["other"] / entry.name).symlink_to(entry)
    return Two(root / "own", root / "other")


def own(two: Two, folder: Folder, *words: str | Path, **variables: str) -> Ended:
    given = {"VIRTUAL_ENV": "", "CONDA_PREFIX": "", **variables}
    return folder.run(two.own / "bin" / "python", "-m", "samebits", *words, **PYTHON, **given)


@pytest.mark.deep
@pytest.mark.slow
def test_a_program_of_another_environment_is_verified_there(two: Two, folder: Folder) -> None:
    folder.write("x.py", STEP)
    python = two.other / "bin" / "python"
    ended = own(two, folder, "run", "--python", python, "x.py")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)[:2] == [str(two.other), []]  # nothing of samebits' environment is there
    assert ended.err.count("samebits run: seed 0, ") == 1
    assert f"--python {python} x.py" in ended.err
    ended = own(two, folder, "verify", "--level", "step", "x.py", VIRTUAL_ENV=str(two.other))
    assert ended.code == 0, ended.err
    assert ended.out.startswith("SAME  2 runs, 2 steps")
    assert f"the program runs in {python} (VIRTUAL_ENV); another one: --python PATH" in ended.err
    ended = own(two, folder, "record", "--", python, "x.py")
    assert ended.code == 0, ended.err


def test_without_torch_nothing_is_started_and_the_way_out_is_said(two: Two, folder: Folder) -> None:
    folder.write("x.py", "open('started', 'w')")
    for command in ("verify", "record"):
        ended = own(two, folder, command, "x.py")
        assert ended.code == 2
        assert ended.err.count("\n") == 1
        assert f"torch is not installed for {two.own / 'bin' / 'python'}" in ended.err
        assert "--python PATH" in ended.err
    ended = own(two, folder, "verify", "--python", two.other, "--", "python", "x.py")
    assert ended.code == 2
    assert "a command names its own Python" in ended.err
    assert not (folder.path / "started").exists()
    assert not (folder.path / ".samebits").exists()
    ended = own(two, folder, "run", "x.py")  # a program without torch is controlled all the same
    assert ended.code == 0, ended.err


# -- which Python ------------------------------------------------------------------------------------


def fake(folder: Path, name: str = "bin/python", **other: Any) -> str:
    """A file that answers as this Python would, but for some of what it says."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {**describe.describe(), "executable": str(path), **other}
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(said)}\nEND\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"version": [3, 10]}, "is CPython 3.10; samebits works inside of CPython 3.11 or newer"),
        ({"implementation": "PyPy"}, "is PyPy 3.11; samebits"),
        (
            {"torch_version": "2.10.1+cu128"},
            "has torch 2.10.1+cu128; samebits works with torch 2.11",
        ),
        (
            {"version": [3, 14], "suffix": ".cpython-314-x.so", "hashes": False},
            "is Python 3.14 without xxhash, and the one beside samebits is built for",
        ),
        ({"torch": None}, "torch is not installed for"),
    ],
)
def test_a_python_in_which_samebits_cannot_work(tmp_path: Path, other: dict[str, Any], sentence: str) -> None:
    python = fake(tmp_path, **({"version": [3, 11]} | other if "implementation" in other else other))
    with pytest.raises(LaunchError) as error:
        Program("script", ("x.py",), python).checked(Control(), observing=True)
    assert sentence in str(error.value)
    assert python in str(error.value)


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"torch_version": "2.11.0"},
        {"torch_version": "3.0.0a0+git"},
        {"torch_version": "0"},
        {"hashes": False},
        {"version": [3, 14], "suffix": ".cpython-314-x.so", "hashes": True},
    ],
    ids=str,
)
def test_a_python_in_which_it_can(tmp_path: Path, other: dict[str, Any]) -> None:
    program = Program("script", ("x.py",), fake(tmp_path, **other))
    found = program.checked(Control(0, True), observing=True)
    assert found is not None
    assert program.command()[0] == found.executable == str(tmp_path / "bin" / "python")
    assert (
        Program("script", ("x.py",), str(tmp_path)).command()[0] == found.executable
    )  # the environment's folder


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("/nowhere/python", "there is no Python '/nowhere/python'"),
        ("/bin/true", "does not answer as a Python"),
    ],
)
def test_what_is_no_python(given: str, sentence: str) -> None:
    with pytest.raises(LaunchError, match=sentence):
        Program("script", ("x.py",), given).checked(Control(), observing=True)


def test_the_active_environment_is_asked_before_samebits_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    active, conda, empty = fake(tmp_path / "a"), fake(tmp_path / "c"), fake(tmp_path / "e", torch=None)
    for variables, python in (
        ({}, sys.executable),
        ({"VIRTUAL_ENV": str(tmp_path / "a")}, active),
        ({"VIRTUAL_ENV": str(tmp_path / "a"), "CONDA_PREFIX": str(tmp_path / "c")}, active),
        ({"CONDA_PREFIX": str(tmp_path / "c")}, conda),
        ({"CONDA_PREFIX": str(tmp_path / "c"), "CONDA_DEFAULT_ENV": "base"}, sys.executable),
        ({"VIRTUAL_ENV": str(tmp_path / "e")}, sys.executable),
        ({"VIRTUAL_ENV": str(tmp_path / "nowhere")}, sys.executable),
        ({"VIRTUAL_ENV": sys.prefix, "CONDA_PREFIX": str(tmp_path / "c")}, sys.executable),
    ):
        for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert interpreter.python_of(None) == python, variables
        assert (interpreter.chosen_by() is None) == (python == sys.executable)
    assert empty
    assert interpreter.python_of(conda) == conda  # what is given comes first


def test_this_python_says_of_itself_what_another_says_of_it() -> None:
    asked = subprocess.run([sys.executable, describe.__file__], capture_output=True, check=True)
    assert json.loads(asked.stdout) == describe.describe()
    assert installation.here().torch_version is not None


# -- `samebits run` says only what it does -------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([sys.executable, "-I", "x.py"], "-I ignores PYTHONPATH"),
        ([sys.executable, "-Ec", "open('started', 'w')"], "-E ignores PYTHONPATH"),
        ([sys.executable, "-S", "x.py"], "-S leaves out site"),
        (["env", "-i", sys.executable, "x.py"], "its environment was replaced"),
        (["env", "PYTHONPATH=/x", sys.executable, "x.py"], "its PYTHONPATH was replaced"),
    ],
)
@pytest.mark.parametrize("command", ["run", "verify"])
def test_what_would_not_be_attached_is_refused(
    folder: Folder, command: str, words: list[str], why: str
) -> None:
    folder.write("x.py", "open('started', 'w')")
    ended = folder.samebits(command, "--", *words)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert f"would run without samebits: {why}" in ended.err
    assert not (folder.path / "started").exists()
    assert not (folder.path / ".samebits").exists()


def test_the_line_comes_from_the_first_controlled_process_and_once(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    folder.write("x.py", "import os, sys; print('SAMEBITS_LINE' in os.environ)")
    python = shlex.quote(sys.executable)
    ended = folder.samebits(
        "run",
        "--",
        "sh",
        "-c",
        f"{python} x.py & {python} x.py & wait; {python} x.py",
        TMPDIR=str(tmp_path / "tmp"),
        PYTHONUNBUFFERED="",  # two print at once: each its line in one piece
    )
    assert (ended.code, ended.out) == (0, "False\n" * 3)
    assert ended.err.count("seed 0, hash secret 0, deterministic algorithms") == ended.err.count("\n") == 1
    assert list((tmp_path / "tmp").iterdir()) == []
    ended = folder.samebits("run", "--", "sh", "-c", f"{python} -I x.py; env -i {python} x.py")
    assert (ended.code, ended.err) == (0, "")  # nobody was controlled, and nobody says so
    ended = folder.samebits("run", "x.py", TMPDIR="/nowhere/at/all")
    assert (ended.code, ended.err.count("\n")) == (0, 1)


def test_a_child_that_is_started_without_control_is_named(folder: Folder) -> None:
    folder.write("child.py", "print('child')")
    folder.write(
        "x.py",
        "import os, subprocess, sys\n"
        "for _ in range(2):\n"
        "    subprocess.run([sys.executable, '-I', 'child.py'], check=True)\n"
        "subprocess.run([sys.executable, 'child.py'], env={}, check=True)\n"
        "subprocess.run([sys.executable, 'child.py'], env=dict(os.environ), check=True)\n"
        "subprocess.run([sys.executable, 'child.py'], check=True)\n"
        "subprocess.run(['true', '-I'], env={}, check=True)\n",
    )
    ended = folder.samebits("run", "-q", "x.py")
    assert (ended.code, ended.out) == (0, "child\n" * 5)
    lines = ended.err.splitlines()
    assert len(lines) == 2
    assert "-I child.py' is started without control: -I ignores PYTHONPATH" in lines[0]
    assert "child.py' is started without control: its environment was replaced" in lines[1]


def test_a_line_without_a_file_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    def mkstemp(**_: Any) -> Any:
        raise FileNotFoundError

    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)
    assert json.loads(once("the line")) == ["the line", ""]
    assert LINE not in os.environ


# -- machines where little is as it should be ------------------------------------------------------------


def shell(folder: Folder, words: str, **variables: str) -> Ended:
    return folder.run("sh", "-c", f"{shlex.quote(sys.executable)} -m samebits {words}", **variables)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_standard_output_that_is_full_is_one_line(folder: Folder) -> None:
    for words in ("--help", "--version", "run --help"):
        ended = shell(folder, f"{words} > /dev/full")
        assert (ended.code, ended.err) == (
            2,
            "samebits: what it says could not be written to the standard output\n",
        )
    assert shell(folder, "--help > /dev/full 2> /dev/full").code == 2
    assert shell(folder, "nonsense 2> /dev/full").code == 2


def test_streams_that_are_closed_change_no_exit_code(folder: Folder) -> None:
    assert (shell(folder, "runs >&-").code, shell(folder, "--help >&- 2>&- <&-").code) == (0, 0)
    assert shell(folder, "nonsense >&- 2>&-").code == 2
    folder.write("x.py", "open('a', 'w'); import sys; sys.exit(3)")
    assert shell(folder, "run x.py >&- 2>&- <&-").code == 3


def test_a_working_folder_that_was_deleted_is_one_sentence(folder: Folder) -> None:
    (folder.path / "gone").mkdir()
    folder.write("x.py", "print(1)")
    script = (
        "import os; os.rmdir('../gone'); from samebits.cli.main import main; main(['verify', "
        f"'{folder.path}/x.py'])"
    )
    ended = folder.run(sys.executable, "-c", script, cwd=folder.path / "gone")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "samebits: the working folder is not there any more; change into another one\n"


def test_a_program_that_deletes_its_working_folder_is_controlled_and_its_children_too(folder: Folder) -> None:
    (folder.path / "gone").mkdir()
    folder.write(
        "x.py",
        "import os, random, subprocess, sys\n"
        "os.rmdir(os.getcwd())\n"
        f"subprocess.run([sys.executable, r'{folder.path}/y.py'], check=True)\n",
    )
    folder.write("y.py", "import random; print(random.random())")
    ended = folder.samebits("run", "-q", folder.path / "x.py", cwd=folder.path / "gone")
    assert (ended.code, ended.err) == (0, "")
    assert 0 < float(ended.out) < 1


@pytest.mark.slow
def test_runs_that_are_deleted_while_they_run_spoil_nothing(folder: Folder) -> None:
    folder.write(
        "x.py", STEP.replace("for _", "import shutil; shutil.rmtree('.samebits')\nfor _") + "print('whole')"
    )
    ended = folder.samebits("record", "x.py", **PYTHON)
    assert ended.out.endswith("whole\n")
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert ended.err.count("\n") == 1


def test_a_folder_in_which_nothing_can_be_kept_is_one_sentence(folder: Folder) -> None:
    folder.write("x.py", "open('started', 'w')")
    ended = folder.samebits("verify", "--out", "/proc/nowhere", "x.py", **PYTHON)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "choose another folder with --out" in ended.err
    assert not (folder.path / "started").exists()


def _without_privileges() -> list[str]:
    """Words before a command that make permissions count for root, too."""
    return ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] if os.geteuid() == 0 else []


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nothing can be made."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere")
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o555)
    tried = subprocess.run([*_without_privileges(), "touch", str(folder / "x")], stderr=subprocess.DEVNULL)
    if tried.returncode == 0:
        pytest.skip("permissions do not count here")
    yield folder
    folder.chmod(0o755)


@pytest.mark.slow
def test_where_nothing_can_be_kept_at_home_it_is_observed_in_python(folder: Folder, locked: Path) -> None:
    folder.write("x.py", STEP)
    ended = folder.run(
        *_without_privileges(), sys.executable, "-m", "samebits", "record", "x.py",
        HOME=str(locked), SAMEBITS_CACHE="", XDG_CACHE_HOME="", TMPDIR=str(locked),
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert folder.last().records["main"].steps
    (line,) = [line for line in ended.err.splitlines() if "building" not in line]
    assert "there is no folder to keep it in" in line
    assert line.endswith("observing in Python instead, slower")


def test_a_working_folder_that_cannot_be_written_is_said_before_anything_is_built(
    folder: Folder, locked: Path, tmp_path: Path
) -> None:
    script = folder.write("x.py", "print('mine')")
    words = [*_without_privileges(), sys.executable, "-m", "samebits"]
    empty = str(tmp_path / "cache")  # where nothing is built yet
    for command in ("verify", "record"):
        ended = folder.run(*words, command, script, cwd=locked, SAMEBITS_CACHE=empty)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert "choose another folder with --out" in ended.err
    assert not Path(empty).exists()
    ended = folder.run(*words, "run", script, cwd=locked, TMPDIR=str(locked))
    assert (ended.code, ended.out, ended.err.count("hash secret 0")) == (0, "mine\n", 1)
