"""Started Pythons that use torch unobserved are noticed, and no observed process is ever taken for one."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from tests.launch.conftest import Folder

from samebits.launch import attached, keeper
from samebits.launch.attached import Unattached
from samebits.launch.obstacle import BOOTSTRAP, obstacle, started
from samebits.record.session import PLAN

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux shows a process's maps")

#: A Python that maps torch's library, as far as anyone who looks into its maps can tell.
USES_TORCH: Final = """
import mmap, os, subprocess, sys
sys.path.insert(0, {source!r})
from samebits.launch import attached
def use_torch():
    with open({library!r}, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
def wait():
    print("ready", flush=True)
    sys.stdin.read()
"""
OBSERVED: Final = {"PYTHONPATH": BOOTSTRAP, PLAN: "{}"}

Start = Callable[..., int]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts Pythons that wait; they end with the test."""
    library = tmp_path / "libtorch_python.so"
    library.write_bytes(b"\0" * 4096)
    source = str(Path(attached.__file__).parents[2])
    with ExitStack() as stack:

        def begin(code: str, *options: str, env: Mapping[str, str] | None = None) -> int:
            text = USES_TORCH.format(source=source, library=str(library)) + textwrap.dedent(code)
            child = subprocess.Popen(
                [sys.executable, *options, "-c", text],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **(env or {})},
            )
            stack.enter_context(child)
            assert child.stdout is not None
            assert child.stdin is not None
            stack.callback(child.stdin.close)
            assert child.stdout.readline() == b"ready\n"
            return child.pid

        yield begin


@linux
class TestUnattached:
    def test_one_that_uses_torch_is_found_once(self, start: Start, tmp_path: Path) -> None:
        watch = Unattached(tmp_path / "run")
        pid = start("kept = use_torch(); wait()")
        watch.look([pid])
        watch.look([pid])
        assert len(watch.found) == 1
        assert watch.found[0]["command"][0] == sys.executable

    def test_one_without_torch_is_none(self, start: Start, tmp_path: Path) -> None:
        watch = Unattached(tmp_path / "run")
        watch.look([start("wait()"), 2**22 + 1])
        assert watch.found == []

    def test_one_that_announced_itself_is_observed_and_so_is_what_forks_from_it(
        self, start: Start, tmp_path: Path
    ) -> None:
        run = tmp_path / "run"
        watch = Unattached(run)
        pid = start(f"""
            attached.announce({str(run)!r})
            kept = use_torch()
            if os.fork():
                wait()
            else:
                sys.stdin.read()
            """)
        below = keeper.descendants(pid)
        assert len(below) == 1
        watch.look([pid, *below])
        assert watch.found == []

    def test_another_program_in_its_place_is_not(self, start: Start, tmp_path: Path) -> None:
        run = tmp_path / "run"
        watch = Unattached(run)
        pid = start(
            f"""
            if len(sys.argv) == 1:
                attached.announce({str(run)!r})
                os.execv(sys.executable, [*sys.orig_argv, "again"])
            kept = use_torch()
            wait()
            """
        )
        watch.look([pid])
        assert len(watch.found) == 1

    def test_the_observation_of_another_run_does_not_count(self, start: Start, tmp_path: Path) -> None:
        watch = Unattached(tmp_path / "run")
        watch.look([start(f"attached.announce({str(tmp_path / 'other')!r}); kept = use_torch(); wait()")])
        assert len(watch.found) == 1

    def test_secrets_of_its_command_are_not_kept(self, start: Start, tmp_path: Path) -> None:
        watch = Unattached(tmp_path / "run")
        watch.look([start("kept = use_torch(); wait()", "-X", "api_key=hunter2hunter2")])
        assert "hunter2" not in str(watch.found)


WHY: Final = [
    (["python", "-I", "x.py"], OBSERVED, "-I"),
    (["python", "-uE", "x.py"], OBSERVED, "-E"),
    (["python", "-W", "ignore", "-S", "x.py"], OBSERVED, "-S"),
    (["python", "-IXdev", "x.py"], OBSERVED, "-I"),
    (["python", "x.py"], {}, "environment was replaced"),
    (["python", "x.py"], {PLAN: "{}"}, "PYTHONPATH was replaced"),
    (["python", "x.py"], {PLAN: "{}", "PYTHONPATH": "/mine"}, "PYTHONPATH was replaced"),
    (["python", "x.py"], OBSERVED, None),
    (["python", "x.py", "-I"], OBSERVED, None),
    (["python", "-c", "-I"], OBSERVED, None),
    (["python", "-m", "x", "-E"], OBSERVED, None),
    (["python", "-cI"], OBSERVED, None),
    (["python", "-WI", "x.py"], OBSERVED, None),
    (["python", "--check-hash-based-pycs", "never", "-", "-I"], OBSERVED, None),
]


@pytest.mark.parametrize(("words", "environ", "said"), WHY)
def test_why_a_python_is_not_attached(words: list[str], environ: dict[str, str], said: str | None) -> None:
    why = obstacle(words, environ)
    assert why is None if said is None else why is not None and said in why


def test_a_sitecustomize_before_ours_is_named(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").touch()
    why = obstacle(["python", "x.py"], {**OBSERVED, "PYTHONPATH": f"{tmp_path}{os.pathsep}{BOOTSTRAP}"})
    assert why is not None
    assert repr(str(tmp_path)) in why
    assert obstacle(["python"], {**OBSERVED, "PYTHONPATH": f"{BOOTSTRAP}{os.pathsep}{tmp_path}"}) is None


@pytest.mark.parametrize(
    ("words", "argv", "environ"),
    [
        (["python3.11", "x.py"], ["python3.11", "x.py"], {"A": "1"}),
        (["env", "B=2", "python", "x.py"], ["python", "x.py"], {"A": "1", "B": "2"}),
        (["env", "-i", "python", "x.py"], ["python", "x.py"], {}),
        (["env", "-u", "A", "/usr/bin/python3", "x"], ["/usr/bin/python3", "x"], {}),
        (["nohup", "env", "--unset=A", "python"], ["python"], {}),
    ],
)
def test_the_python_of_a_command(words: list[str], argv: list[str], environ: dict[str, str]) -> None:
    assert started(words, {"A": "1"}) == (argv, environ)


@pytest.mark.parametrize(
    "words", [["make", "train"], ["env", "--split-string=x", "python"], ["sh", "-c", "python"]]
)
def test_a_command_that_does_not_say_its_python(words: list[str]) -> None:
    assert started(words, {}) is None


def test_a_script_says_its_python(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/usr/bin/env -S python3 -I\n")
    tool.chmod(0o755)
    found = started([str(tool), "x"], {"PATH": os.environ["PATH"]})
    assert found is not None
    assert found[0] == ["python3", "-I", str(tool), "x"]
    tool.write_text(f"#!/bin/sh\n'''exec' \"{tmp_path}/a b/python\" \"$0\" \"$@\"\n' '''\n")
    found = started([str(tool)], {"PATH": os.environ["PATH"]})
    assert found is not None
    assert found[0][0] == f"{tmp_path}/a b/python"


TRAINING: Final = """
import torch
net = torch.nn.Linear(2, 2)
torch.nn.init.ones_(net.weight)
torch.nn.init.zeros_(net.bias)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(2):
    optimizer.zero_grad()
    net(torch.ones(1, 2)).sum().backward()
    optimizer.step()
"""
#: By workers, of every way there is to start one.
WORKERS: Final = (
    TRAINING
    + """
import multiprocessing, subprocess, sys, time
def work(): torch.ones(2).sum(); time.sleep(0.7)
if __name__ == "__main__":
    started = [multiprocessing.get_context(w).Process(target=work) for w in ("fork", "spawn", "forkserver")]
    for each in started: each.start()
    subprocess.run([sys.executable, "-c", "import torch, time; time.sleep(0.7)"], check=True)
    for each in started: each.join()
    assert [each.exitcode for each in started] == [0, 0, 0]
"""
)


@pytest.mark.slow
class TestWholePrograms:
    @linux
    @pytest.mark.parametrize(
        ("how", "said"),
        [
            ('[sys.executable, "-I", "train.py"]', "start it without -I"),
            ('["env", "-i", sys.executable, "train.py"]', "its environment was replaced"),
        ],
    )
    def test_training_in_an_unattached_python_is_incomplete(
        self, folder: Folder, how: str, said: str
    ) -> None:
        folder.write("train.py", TRAINING)
        folder.write("start.py", f"import subprocess, sys\nsubprocess.run({how}, check=True)\n")
        ended, verdict = folder.json("start.py")
        assert (ended.code, verdict["verdict"]) == (2, "incomplete")
        assert "train.py used torch unobserved" in verdict["reason"]
        assert said in verdict["reason"]

    @linux
    def test_beside_an_observed_training_too(self, folder: Folder) -> None:
        folder.write("train.py", TRAINING)
        start = "subprocess.run([sys.executable, '-E', '-c', 'import torch'], check=True)"
        folder.write("both.py", f"import subprocess, sys\n{start}\n{TRAINING}")
        ended, verdict = folder.json("both.py")
        assert (ended.code, verdict["verdict"]) == (2, "incomplete"), verdict
        assert "start it without -E" in verdict["reason"]

    def test_workers_of_every_kind_are_attached(self, folder: Folder) -> None:
        folder.write("train.py", WORKERS)
        ended = folder.samebits("record", "--level", "step", "train.py")
        assert ended.code == 0, ended.err
        assert folder.last().info["unattached"] == []

    @pytest.mark.parametrize("way", [("-I",), ("-E",), ("-S",)])
    def test_run_does_not_start_what_it_would_not_control(self, folder: Folder, way: tuple[str, ...]) -> None:
        folder.write("train.py", "open('ran', 'w')\n")
        ended = folder.samebits("run", "--", sys.executable, *way, "train.py")
        assert ended.code == 2
        assert not (folder.path / "ran").exists()
        assert len(ended.err.splitlines()) == 1
        assert f"start it without {way[0]}" in ended.err

    def test_run_says_what_is_set_only_where_it_is(self, folder: Folder) -> None:
        folder.write("plain.py", "print('here')\n")
        ended = folder.samebits("run", "plain.py")
        assert (ended.code, ended.out) == (0, "here\n")
        assert ended.err.count("seed 0, hash secret 0, deterministic algorithms") == 1
        ended = folder.samebits("run", "--", "sh", "-c", "echo here")
        assert (ended.code, ended.out, ended.err) == (0, "here\n", "")
        # Of many Pythons, the first; and none that is not controlled.
        again = f"import subprocess, sys\nfor _ in 'ab': subprocess.run([{sys.executable!r}, 'plain.py'])\n"
        folder.write("many.py", again)
        assert folder.samebits("run", "many.py").err.count("hash secret 0") == 1
        shell = f"{sys.executable} -I plain.py && env -i {sys.executable} plain.py"
        ended = folder.samebits("run", "--", "sh", "-c", shell)
        assert (ended.code, ended.out, ended.err) == (0, "here\nhere\n", "")

    @pytest.mark.parametrize(
        ("how", "said"),
        [
            ("[sys.executable, '-I', 'plain.py']", "start it without -I"),
            ("[sys.executable, 'plain.py'], env={}", "its environment was replaced"),
            ("['env', '-i', sys.executable, 'plain.py']", "its environment was replaced"),
        ],
    )
    def test_control_says_which_command_it_does_not_reach(self, folder: Folder, how: str, said: str) -> None:
        folder.write("plain.py", "print('here')\n")
        folder.write("start.py", f"import subprocess, sys\nfor _ in 'ab': subprocess.run({how})\n")
        ended = folder.samebits("run", "--quiet", "start.py")
        assert (ended.code, ended.out) == (0, "here\nhere\n")
        (line,) = ended.err.splitlines()
        assert "is started without control" in line
        assert said in line


def test_what_is_kept_becomes_a_sentence() -> None:
    rows: list[Any] = [{"command": ["python", "-I", "my x.py"], "why": "because"}, 3, {"command": 1}]
    assert attached.sentence({"unattached": rows}) == (
        "python -I 'my x.py' (and 1 more) used torch unobserved: because"
    )
    for nothing in ({}, {"unattached": []}, {"unattached": 3}, {"unattached": [1]}):
        assert attached.sentence(nothing) is None
