"""samebits and the program in environments of their own, and on machines where something is missing."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import pytest
from tests.launch.conftest import Ended, Folder

import samebits
from samebits.errors import LaunchError
from samebits.launch import interpreter
from samebits.launch.program import Control, Program
from samebits.record import installation
from samebits.record.installation import Installation

pytestmark = pytest.mark.skipif(os.name != "posix", reason="environments are laid out in another way there")

#: What samebits imports where it observes nothing.
_ALONE: Final = ("click", "rich", "xxhash", "markdown_it", "pygments", "mdurl")
_SAMEBITS_OWN: Final = (*_ALONE, "samebits")
SOUND: Final = Installation(
    executable="/there/python", version=(3, 12), build="3.12.1 (main)", implementation="CPython",
    platform="linux-x86_64", include="/there/include", suffix=".cpython-312.so", torch="/there/torch",
    torch_version="2.11.0+cu128", torch_digest="0", hashes=True,
)  # fmt: skip

TRAINING: Final = """
import importlib.util, sys
import torch
net = torch.nn.Linear(2, 2)
torch.nn.init.ones_(net.weight)
torch.nn.init.zeros_(net.bias)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(2):
    optimizer.zero_grad()
    net(torch.ones(1, 2)).sum().backward()
    optimizer.step()
seen = [name for name in ("click", "rich", "mdurl") if importlib.util.find_spec(name)]
print(sys.prefix, seen, net.weight.sum().item())
"""


# -- which Python, and whether samebits works inside of it ---------------------------------------------------
@pytest.fixture
def answering(tmp_path: Path) -> Callable[..., str]:
    """Makes a program that answers as a Python of some kind would; returns its path."""

    def make(name: str = "python", **said: Any) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        answer = json.dumps({**asdict(SOUND), "executable": str(path), **said})
        path.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
        path.chmod(0o755)
        return str(path)

    return make


@pytest.mark.parametrize(
    ("python", "said"),
    [
        (SOUND, None),
        (replace(SOUND, torch=None, torch_version=None), None),
        (replace(SOUND, implementation="PyPy"), "PyPy 3.12; samebits works inside of CPython 3.11 or newer"),
        (replace(SOUND, version=(3, 10)), "CPython 3.10; samebits works inside of CPython 3.11 or newer"),
        (replace(SOUND, torch_version="2.4.1"), "/there/python -m pip install --upgrade torch"),
        (replace(SOUND, torch_version="3.0.0"), None),
        (replace(SOUND, torch_version="2.12.0a0+git123"), None),
        (replace(SOUND, hashes=False), "/there/python -m pip install xxhash"),
    ],
)
def test_what_a_python_must_have(python: Installation, said: str | None) -> None:
    why = python.obstacle
    assert why is None if said is None else why is not None and said in why


def test_xxhash_of_this_python_serves_another_of_its_version() -> None:
    assert replace(SOUND, hashes=False, suffix=installation.here().suffix).obstacle is None


class TestWhich:
    @pytest.fixture(autouse=True)
    def _none_active(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV"):
            monkeypatch.delenv(name, raising=False)

    def test_the_one_that_is_given(self, answering: Callable[..., str], tmp_path: Path) -> None:
        python = answering("env/bin/python")
        assert interpreter.python_of(python) == python
        assert interpreter.python_of(str(tmp_path / "env")) == python
        with pytest.raises(LaunchError, match=r"no Python 'nowhere' .* give the path of one"):
            interpreter.python_of("nowhere")

    @pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
    def test_the_active_environments(
        self, variable: str, answering: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        python = answering("env/bin/python")
        monkeypatch.setenv(variable, str(tmp_path / "env"))
        assert interpreter.python_of(None) == python
        assert interpreter.chosen_by() == variable

    def test_not_the_active_environments_if_that_has_no_torch(
        self, answering: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answering("env/bin/python", torch=None, torch_version=None)
        monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "env"))
        assert interpreter.python_of(None) == sys.executable

    @pytest.mark.parametrize("active", [sys.prefix, "/no/such/folder", ""])
    def test_otherwise_its_own(self, active: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VIRTUAL_ENV", active)
        assert interpreter.python_of(None) == sys.executable
        assert interpreter.chosen_by() is None

    @pytest.mark.parametrize("answer", ["", "hello", "[1]", "{}"])
    def test_what_does_not_answer_as_a_python(self, answer: str, tmp_path: Path) -> None:
        path = tmp_path / "tool"
        path.write_text(f"#!/bin/sh\necho '{answer}'\n")
        path.chmod(0o755)
        with pytest.raises(LaunchError, match="does not answer as a Python does"):
            installation.of(str(path))

    def test_another_python_is_described_as_it_describes_itself(self, tmp_path: Path) -> None:
        link = tmp_path / "python"
        link.symlink_to(sys.executable)
        other = installation.of(str(link))
        here = installation.here()
        assert (other.version, other.suffix, other.build) == (here.version, here.suffix, here.build)

    def test_nothing_is_started_that_could_not_be_observed(self, answering: Callable[..., str]) -> None:
        for said in ({"torch": None}, {"version": [3, 8]}, {"torch_version": "2.1.0"}, {"hashes": False}):
            python = answering(**said)
            installation.of.cache_clear()
            with pytest.raises(LaunchError, match=r"pip install|--python PATH|CPython"):
                Program("script", ("x.py",), python).checked(Control(), observing=True)
        with pytest.raises(LaunchError, match=r"write the path of the Python into the command: -- /p"):
            Program("command", ("ls",), "/p").checked(Control(), observing=True)


# -- two environments ----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One with samebits and no torch, one with torch and nothing of samebits'; their Pythons."""
    root = tmp_path_factory.mktemp("environments")
    spec = importlib.util.find_spec("torch")
    assert spec is not None
    assert spec.origin is not None
    library = Path(spec.origin).parents[1]
    source = str(Path(samebits.__file__).parents[1])
    made = {}
    for name, wanted, paths in (
        ("alone", lambda package: package in _ALONE, [source]),
        ("torch", lambda package: package not in _SAMEBITS_OWN and not package.endswith(".pth"), []),
    ):
        packages = root / f"{name}-packages"
        packages.mkdir()
        for entry in library.iterdir():
            if wanted(entry.name) and not entry.name.startswith(("samebits-", "xxhash-")):
                (packages / entry.name).symlink_to(entry)
        venv.create(root / name, symlinks=True, with_pip=False)
        (site,) = (root / name).glob("lib/python*/site-packages")
        (site / "packages.pth").write_text("\n".join([*paths, str(packages)]) + "\n")
        made[name] = root / name / "bin" / "python"
    return made


@pytest.mark.slow
class TestTwoEnvironments:
    @pytest.fixture
    def at(self, folder: Folder, environments: dict[str, Path]) -> Callable[..., Ended]:
        """Run the samebits that has no torch beside it; the observer in Python, so that nothing is built."""
        folder.write("train.py", TRAINING)

        def run(*words: str | Path, **variables: str) -> Ended:
            given = {"SAMEBITS_OBSERVER": "python", "VIRTUAL_ENV": "", "CONDA_PREFIX": "", "PYTHONPATH": ""}
            return folder.run(environments["alone"], "-m", "samebits", *words, **(given | variables))

        return run

    def test_a_program_of_another_environment_is_observed(
        self, at: Callable[..., Ended], environments: dict[str, Path], folder: Folder
    ) -> None:
        ended = at("record", "--level", "step", "--python", environments["torch"], "train.py")
        assert ended.code == 0, ended.err
        # It is that environment's, and finds nothing of samebits'.
        assert ended.out.splitlines()[0].startswith(f"{environments['torch'].parents[1]} [] ")
        assert folder.last().records["main"].steps

    def test_the_active_environment_and_a_command(
        self, at: Callable[..., Ended], environments: dict[str, Path], folder: Folder
    ) -> None:
        there = environments["torch"]
        active = at("record", "--level", "step", "train.py", VIRTUAL_ENV=str(there.parents[1]))
        assert active.code == 0, active.err
        assert active.err.count(f"runs in {there} (VIRTUAL_ENV)") == 1
        command = at("record", "--level", "step", "--", there, "train.py")
        assert command.code == 0, command.err
        one, two = folder.runs()
        assert len(one.records["main"].steps) == len(two.records["main"].steps) == 2

    def test_control_reaches_there(self, at: Callable[..., Ended], environments: dict[str, Path]) -> None:
        ended = at("run", "--python", environments["torch"], "train.py")
        assert (ended.code, ended.out[:1]) == (0, "/"), ended.err
        assert f"repeat with: samebits run --seed 0 --python {environments['torch']} train.py" in ended.err

    def test_without_torch_nothing_starts(self, at: Callable[..., Ended], folder: Folder) -> None:
        ended = at("verify", "train.py")
        assert (ended.code, ended.out) == (2, "")
        assert len(ended.err.splitlines()) == 1
        assert "say which Python has it with --python PATH, or activate its environment" in ended.err
        assert not (folder.path / ".samebits").exists()


# -- machines on which something is missing ------------------------------------------------------------------
def _capless() -> list[str]:
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
    if not subprocess.run([*_capless(), "sh", "-c", f"! touch {folder}/x 2>/dev/null"]).returncode == 0:
        pytest.skip("permissions do not count here")
    yield folder
    folder.chmod(0o755)


QUICK: Final = "print('mine')\n"


@pytest.mark.slow
class TestPoorMachines:
    def recorded(self, folder: Folder, ended: Ended) -> None:
        assert ended.code == 0, ended.err
        assert "Traceback" not in ended.err
        assert ended.out.splitlines()[0].endswith(" 0.0")
        assert folder.last().info["status"] == "finished"

    def test_home_is_not_set_and_no_user_is_known(self, folder: Folder) -> None:
        folder.write("train.py", TRAINING)
        homeless = "import os, pwd, runpy, sys\n"
        homeless += "def unknown(*_): raise KeyError('nobody')\npwd.getpwuid = unknown\n"
        homeless += "os.environ.pop('HOME', None)\nrunpy.run_module('samebits', run_name='__main__')\n"
        folder.write("homeless.py", homeless)
        self.recorded(folder, folder.python("homeless.py", "record", "train.py", SAMEBITS_CACHE=""))

    def test_nothing_can_be_kept_at_home_and_no_temporary_file_made(
        self, folder: Folder, locked: Path
    ) -> None:
        folder.write("train.py", TRAINING)
        ended = folder.run(
            *_capless(), sys.executable, "-m", "samebits", "record", "train.py",
            HOME=str(locked), SAMEBITS_CACHE="", XDG_CACHE_HOME="", TMPDIR=str(locked),
        )  # fmt: skip
        self.recorded(folder, ended)
        (line,) = [line for line in ended.err.splitlines() if "observing in Python instead" in line]
        assert "there is no folder to keep it in" in line
        assert str(locked) in line

    def test_a_working_folder_that_cannot_be_written(self, folder: Folder, locked: Path) -> None:
        script = folder.write("plain.py", QUICK)
        words = [*_capless(), sys.executable, "-m", "samebits"]
        for command in ("verify", "record"):
            ended = folder.run(*words, command, script, cwd=locked)
            assert (ended.code, ended.out) == (2, "")
            assert len(ended.err.splitlines()) == 1
            assert "choose another folder with --out" in ended.err
        ended = folder.run(*words, "run", script, cwd=locked)
        assert (ended.code, ended.out) == (0, "mine\n")

    def test_no_temporary_file_can_be_made_for_the_line_of_run(self, folder: Folder, locked: Path) -> None:
        folder.write("plain.py", QUICK)
        words = [*_capless(), sys.executable, "-m", "samebits", "run", "plain.py"]
        for temporary in (str(locked), "/no/such/folder"):
            ended = folder.run(*words, TMPDIR=temporary, cwd=folder.path)
            assert (ended.code, ended.out) == (0, "mine\n")
            assert ended.err.count("hash secret 0") == 1

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
    @pytest.mark.parametrize("words", [("--help",), ("runs",), ("--version",), ("ops",)])
    def test_what_it_says_cannot_be_written(self, folder: Folder, words: tuple[str, ...]) -> None:
        shell = f'exec "$0" -m samebits {" ".join(words)} >/dev/full'
        ended = folder.run("sh", "-c", shell, sys.executable)
        assert ended.code == 2
        assert len(ended.err.splitlines()) == 1
        assert "could not be written to the standard output" in ended.err

    @pytest.mark.parametrize("closed", ["2>/dev/full", "2>&-", "<&- 2>&-"])
    def test_no_standard_error(self, folder: Folder, closed: str) -> None:
        folder.write("plain.py", QUICK)
        ended = folder.run("sh", "-c", f'exec "$0" -m samebits run plain.py {closed}', sys.executable)
        assert (ended.code, ended.out) == (0, "mine\n")

    def test_no_stream_at_all(self, folder: Folder) -> None:
        folder.write("plain.py", "open('ran', 'w')\n")
        for command, code in (("run", 0), ("verify", 2)):  # verify: nothing to compare
            shell = f'exec "$0" -m samebits {command} plain.py <&- >&- 2>&-'
            assert folder.run("sh", "-c", shell, sys.executable).code == code
            (folder.path / "ran").unlink()

    def test_the_working_folder_is_gone(self, folder: Folder) -> None:
        script = folder.write("plain.py", QUICK)
        for words in (f"run {script}", f"verify {script}", "runs"):
            shell = f'mkdir gone && cd gone && rmdir ../gone && exec "$0" -m samebits {words}'
            ended = folder.run("sh", "-c", shell, sys.executable)
            assert (ended.code, ended.out) == (2, "")
            assert ended.err.splitlines() == [
                "samebits: the working folder is not there any more; change into another one"
            ]
