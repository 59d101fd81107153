"""Runs that are limited, stopped, killed or starved: the record tells, and nothing is left running."""

from __future__ import annotations

import os
import random
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.deep import only

from samebits.launch.output import kept

pytestmark = pytest.mark.slow

FOREVER = """
import pathlib, os, torch
torch.manual_seed(0)
net = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
pathlib.Path("pid").write_text(str(os.getpid()))
step = 0
try:
    file = os.open("steps", os.O_CREAT | os.O_WRONLY)
    while True:
        optimizer.zero_grad()
        net(torch.randn(3, 4)).square().mean().backward()
        optimizer.step()
        step += 1
        os.pwrite(file, b"%08d" % step, 0)
finally:
    pathlib.Path("cleaned").write_text("up")
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def until(what: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for something that comes; a safety net, not a measurement."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def steps(folder: Any) -> int:
    file = folder.path / "steps"
    return int(file.read_text() or 0) if file.exists() else 0


def start(folder: Any, *words: str) -> subprocess.Popen[str]:
    for name in ("steps", "pid", "cleaned"):
        (folder.path / name).unlink(missing_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "samebits", *words],
        cwd=folder.path,
        env=folder.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_steps_stops_both_runs_cleanly_after_as_many(folder: Any) -> None:
    folder.write("train.py", FOREVER)
    ended, verdict = folder.json("--steps", "5", "train.py")
    assert (ended.code, verdict["verdict"], verdict["steps"]) == (0, "same", 5)
    assert (folder.path / "cleaned").read_text() == "up"
    for run in folder.runs():
        assert (run.info["status"], run.info["exit_code"]) == ("finished", 0)
        record = run.records["main"]
        assert (record.steps, record.status) == (5, "stopped")
    assert steps(folder) == 4  # stopped inside the fifth optimizer.step()


def test_timeout(folder: Any) -> None:
    folder.write("train.py", FOREVER)
    ended, verdict = folder.json("--timeout", "6", "train.py")
    assert (ended.code, verdict["verdict"]) == (2, "incomplete")
    assert "time limit" in ended.err
    run = folder.last()
    assert run.info["status"] == "timeout"
    if run.records:  # on a slow machine six seconds may not be enough to import torch
        assert run.records["main"].status in ("interrupted", "running")
    if (folder.path / "pid").exists():
        assert not alive(int((folder.path / "pid").read_text()))


def test_an_interrupt_stops_everything_and_leaves_a_record(folder: Any) -> None:
    folder.write("train.py", FOREVER)
    parent = start(folder, "verify", "train.py")
    until(lambda: steps(folder) >= 3)
    parent.send_signal(signal.SIGINT)
    _, err = parent.communicate(timeout=120)
    assert parent.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert not alive(int((folder.path / "pid").read_text()))
    assert (folder.path / "cleaned").exists()
    (run,) = folder.runs()
    assert run.info["status"] == "interrupted"
    assert run.records["main"].status == "interrupted"
    assert run.records["main"].steps >= 3


def test_kill_9_at_any_moment_leaves_every_finished_step(folder: Any) -> None:
    folder.write("train.py", FOREVER)
    chance = random.Random(0)
    for level in ("op", "step"):
        parent = start(folder, "record", "--level", level, "train.py")
        wanted = chance.randrange(1, 60)
        until(lambda wanted=wanted: steps(folder) >= wanted)  # type: ignore[misc]
        time.sleep(chance.random() * 0.003)
        os.kill(int((folder.path / "pid").read_text()), signal.SIGKILL)
        out, err = parent.communicate(timeout=120)
        assert parent.returncode == 2, out + err
        run = folder.last()
        record = run.records["main"]
        assert (run.info["status"], run.info["exit_code"]) == ("failed", -9)
        assert record.status == "running"
        assert record.steps in (steps(folder), steps(folder) + 1)
        seen = [e.step for e in record.events(0) if e.kind == "parameter"]
        if level == "op":
            assert sorted(set(seen)) == list(range(record.steps))
        assert [loss.step for loss in record.losses()] == list(range(record.steps))


def test_a_full_disk_does_not_stop_the_program(folder: Any) -> None:
    folder.write(
        "train.py",
        """
import resource, signal, torch
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
torch.manual_seed(0)
net = torch.nn.Sequential(*(torch.nn.Linear(4, 4) for _ in range(30)))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for step in range(400):
    optimizer.zero_grad()
    net(torch.randn(3, 4)).square().mean().backward()
    optimizer.step()
print("done", step)
""",
    )
    ended = folder.samebits("record", "--level", "op", "train.py")
    assert ended.out.startswith("done 399\n")
    assert ended.code == 2
    assert "the record is incomplete" in ended.err
    assert "the disk could not be written" in ended.err
    assert ended.err.count("\n") == 1
    record = folder.last().records["main"]
    assert record.notes["incomplete"]
    assert 0 < record.steps < 400
    assert sorted({e.step for e in record.events(0) if e.kind == "parameter"}) == list(range(record.steps))


UNSEEDED = """
import random, numpy, torch
net = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=random.random())
for step in range(3):
    optimizer.zero_grad()
    (net(torch.randn(3, 4)).sum() * float(numpy.random.rand()) + len(str({"a", "b", "c"}))).backward()
    optimizer.step()
print(list({"a", "b", "c"}), torch.are_deterministic_algorithms_enabled())
"""


def test_control_makes_an_unseeded_program_the_same(folder: Any) -> None:
    folder.write("train.py", UNSEEDED)
    ended, verdict = folder.json("--seed", "3", "--deterministic", "--level", "step", "train.py")
    assert (ended.code, verdict["verdict"]) == (0, "same"), ended.err
    outputs = [kept(run.path, "stdout") for run in folder.runs()]
    assert outputs[0] == outputs[1]
    assert "True" in outputs[0]
    for _ in range(2):
        assert folder.samebits("record", "--level", "step", "train.py").code == 0
    uncontrolled = folder.samebits("compare", *(run.id for run in folder.runs()[-2:]))
    assert (uncontrolled.code, uncontrolled.out.partition(" ")[0]) == (1, "DIVERGED"), uncontrolled.out


def test_the_second_run_follows_the_schedule_of_the_first(folder: Any) -> None:
    folder.write(
        "train.py",
        """
import torch
torch.manual_seed(0)
net = torch.nn.Sequential(*(torch.nn.Linear(64, 64) for _ in range(40)))
optimizer = torch.optim.SGD(net[:1].parameters(), lr=0.01)  # a step that does next to nothing
optimizer.add_param_group({"params": list(net[1:].parameters())})
for p in net.parameters():
    p.grad = None
for step in range(70):
    optimizer.step()
    if step == 30:
        net[0].weight.grad = torch.ones_like(net[0].weight)
""",
    )
    ended, verdict = folder.json("train.py")
    assert (ended.code, verdict["verdict"], verdict["steps"]) == (0, "same", 70), ended.err
    first, second = (run.records["main"] for run in folder.runs())
    schedule = first.notes["schedule"]
    assert [step for step, _ in schedule] == [4, 16, 64]
    assert max(stride for _, stride in schedule) > 1
    events = [[(e.step, e.kind, e.name) for e in record.events(0)] for record in (first, second)]
    assert events[0] == events[1]
    last = [name for step, kind, name in events[0] if kind == "parameter" and step == 70]
    assert len(last) == 80  # each of them, whatever the schedule
    assert f"each in one of at most {max(stride for _, stride in schedule)} steps" in verdict["compared"]
    assert "every parameter at the end" in verdict["compared"]
    assert second.notes["schedule"] == schedule


def test_control_of_this_process_ends_without_a_trace(generators_restored: None) -> None:
    import builtins
    import concurrent.futures
    import multiprocessing.process
    import tempfile

    import numpy
    import torch
    from torch.utils.data import DataLoader

    from samebits.control.install import InstalledControl
    from samebits.control.process_key import ProcessKey
    from samebits.control.settings import Control

    def names() -> list[object]:
        return [
            random.seed, random.Random.seed, torch.seed, torch.random.seed,
            numpy.random.bit_generator.randbits, DataLoader.__init__, DataLoader.__iter__,
            subprocess.Popen.__init__, os.system, tempfile._Random,
            multiprocessing.process.BaseProcess.start, concurrent.futures.as_completed, torch.cuda.seed_all,
            runpy._get_code_from_file,  # type: ignore[attr-defined]
            torch.are_deterministic_algorithms_enabled(),
        ]  # fmt: skip

    before = names()
    installed = InstalledControl(ProcessKey(Control(4)))
    installed.install()
    try:
        drawn = random.random()
        during = names()
    finally:
        installed.uninstall()
    assert names() == before
    assert sum(a != b for a, b in zip(before, during, strict=True)) == len(before) - 1  # the last
    assert hasattr(builtins, "__samebits_seeds__")  # code that was compiled meanwhile still calls it
    assert random.Random().random() != random.Random().random()

    import samebits

    samebits.seeding.everything.plan_seeds(4).python()
    assert drawn == random.random()
    assert subprocess.run([sys.executable, "-c", "pass"], check=False).returncode == 0
    if os.fork() == 0:  # the hooks of a fork stay, and do nothing
        os._exit(0 if os.environ.get("SAMEBITS_CONTROL") is None else 1)
    assert os.wait()[1] == 0


@pytest.mark.parametrize("flag", only([False], [False, True]))
def test_determinism_alone_seeds_nothing(folder: Any, flag: bool) -> None:
    folder.write("draw.py", "import random, torch\nprint(random.random(), torch.initial_seed())\n")
    options = ["--deterministic", *(["--seed", "1"] if flag else [])]
    outputs = {
        folder.samebits("record", "--level", "step", *options, "draw.py").out.splitlines()[0] for _ in "ab"
    }
    assert len(outputs) == (1 if flag else 2)
