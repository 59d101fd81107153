"""Signals reach the program once, and no process of it outlives samebits, however samebits ends."""

from __future__ import annotations

import itertools
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.deep import only
from tests.programs import SAMEBITS

from samebits.launch import keeper

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

#: Trains until it is told to stop; says each signal it gets, and starts a process with a session of its own.
_TRAIN = """\
import os, signal, subprocess, sys, time
import torch

def got(number, frame):
    print(f"got {number}", flush=True)
    with open("got", "a") as file:
        file.write(f"{number}\\n")
    if number in ENDS:
        time.sleep(LAST)
        open("saved", "w").close()
        sys.exit(0)

ENDS, LAST = eval(os.environ["ENDS"]), float(os.environ.get("LAST", 0))
for number in (2, 15, 1, 10, 12):
    if signal.getsignal(number) is not signal.SIG_IGN:
        signal.signal(number, got)
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
steps = 0
while True:
    model(torch.ones(8, 4)).sum().backward()
    optimizer.step()
    steps += 1
    if steps == 3:
        open("ready", "w").close()
    time.sleep(0.02)
"""


def _until(what: Callable[[], Any], seconds: float = 90.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


class Started:
    """`samebits ...` under way in a folder."""

    def __init__(self, folder: Any, *words: str, ends: str = "(2, 15, 1)", **variables: str) -> None:
        self.folder: Path = folder.path
        folder.write("train.py", _TRAIN)
        self.token = f"TOKEN={os.getpid()}-{time.monotonic_ns()}"
        name, value = self.token.split("=")
        self.process = subprocess.Popen(
            [*SAMEBITS, *words, "train.py"],
            cwd=self.folder,
            env=folder.environment(ENDS=ends, **{name: value}, **variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def ready(self) -> Started:
        _until(lambda: (self.folder / "ready").exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()
        return self

    def left(self) -> list[int]:
        """Processes with the token in their environment."""
        found = []
        for process in keeper.parents():
            try:
                environ = Path(f"/proc/{process}/environ").read_bytes()
            except OSError:
                continue
            if self.token.encode() in environ:
                found.append(process)
        return found

    def end(self) -> tuple[int, str]:
        _, err = self.process.communicate(timeout=90)
        return self.process.returncode, err.decode()

    def got(self) -> list[int]:
        try:
            return [int(line) for line in (self.folder / "got").read_text().split()]
        except FileNotFoundError:
            return []

    def info(self) -> dict[str, Any]:
        (path,) = self.folder.glob(".samebits/*/run.json")
        found: dict[str, Any] = json.loads(path.read_text())
        return found


@pytest.fixture
def start(folder: Any) -> Iterator[Callable[..., Started]]:
    made: list[Started] = []

    def starting(*words: str, **options: Any) -> Started:
        made.append(Started(folder, *words, **options))
        return made[-1].ready()

    yield starting
    for one in made:
        one.process.kill()
        one.process.communicate()
        for process in one.left():
            os.kill(process, signal.SIGKILL)


@pytest.mark.parametrize(
    ("command", "number"),
    only(
        [("verify", signal.SIGINT), ("record", signal.SIGTERM)],
        itertools.product(("record", "verify"), (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)),
    ),
)
def test_a_signal_reaches_the_program_once_and_it_may_take_its_time(
    start: Any, command: str, number: int
) -> None:
    run = start(command, LAST="6")
    run.process.send_signal(number)
    code, err = run.end()
    assert code == 128 + number, err
    assert run.got() == [number]
    assert (run.folder / "saved").exists()
    assert run.info()["status"] == "interrupted"
    assert run.info()["exit_code"] == 0
    assert run.left() == []  # the helper, too
    assert err.strip().splitlines()[-1].startswith("samebits: ")
    assert "Traceback" not in err


@pytest.mark.parametrize("command", only(["verify"], ["record", "verify"]))
def test_a_kill_leaves_nothing_running(start: Any, command: str) -> None:
    run = start(command)
    assert len(run.left()) >= 3  # samebits, the program, its helper
    run.process.kill()
    run.end()
    _until(lambda: not run.left(), 3.0)
    assert run.info()["status"] == "running"


@pytest.mark.parametrize("command", only(["verify"], ["record", "verify"]))
def test_a_killed_keeper_leaves_nothing_running(start: Any, command: str) -> None:
    run = start(command)
    (watching,) = [process for process, parent in keeper.parents().items() if parent == run.process.pid]
    os.kill(watching, signal.SIGKILL)
    code, err = run.end()
    assert code == 2, err
    _until(lambda: not run.left(), 3.0)
    assert run.info()["status"] == "failed"


def test_other_signals_pass_through(start: Any) -> None:
    """As those by which Slurm warns."""
    run = start("verify", ends="()")
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        run.process.send_signal(number)
        _until(lambda wanted=number: wanted in run.got())
    assert run.got() == [signal.SIGUSR1, signal.SIGUSR2]
    assert run.process.poll() is None


def test_the_third_interrupt_ends_it(start: Any) -> None:
    run = start("verify", ends="()")
    for count in (1, 2):
        run.process.send_signal(signal.SIGINT)
        _until(lambda wanted=count: len(run.got()) == wanted)
    assert run.process.poll() is None
    run.process.send_signal(signal.SIGINT)
    code, _ = run.end()
    assert code == 130
    assert run.left() == []


@pytest.mark.deep  # its quick forms: the third interrupt ends it, and control's `test_timeout`
def test_a_time_limit_presses_on(start: Any) -> None:
    """Half a minute at most: an interrupt, SIGTERM, the end."""
    run = start("record", "--timeout", "20", ends="()")
    code, _ = run.end()
    assert code == 2
    assert run.got() == [signal.SIGINT, signal.SIGTERM]
    assert run.info()["status"] == "timeout"
    assert run.left() == []


def test_it_stops_and_goes_on_with_samebits(start: Any) -> None:
    run = start("verify")
    others = [process for process in run.left() if process != run.process.pid]
    programs = [p for p in others if b"keeper.py" not in Path(f"/proc/{p}/cmdline").read_bytes()]
    run.process.send_signal(signal.SIGSTOP)
    _until(lambda: all(map(keeper.stopped, programs)), 10.0)
    run.process.send_signal(signal.SIGCONT)
    _until(lambda: not any(map(keeper.stopped, programs)), 10.0)


def test_an_ignored_interrupt_stays_ignored(folder: Any) -> None:
    folder.write(
        "train.py",
        "import signal, torch\nprint(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)\ntorch.ones(1)\n",
    )
    code = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    code += "os.execv(sys.argv[1], sys.argv[1:])"
    plain = folder.python("-c", code, sys.executable, "train.py")
    recorded = folder.python("-c", code, *SAMEBITS, "record", "train.py")
    assert plain.out == "True\n"
    assert recorded.out.splitlines()[0] == plain.out.strip()


def test_the_program_keeps_its_terminal(folder: Any) -> None:
    """What a terminal does for a program it does under `record`: reading, width, job control, one Ctrl-C."""
    folder.write(
        "train.py",
        "import os, sys, torch\n"
        "print('tty', os.isatty(0), os.isatty(1), os.ttyname(0) == os.ttyname(1), flush=True)\n"
        "with open('/dev/tty') as tty:\n    print('controlling', tty.isatty(), flush=True)\n"
        "print('foreground', os.tcgetpgrp(0) == os.getpgrp(), flush=True)\n"
        "print('said', input('name? '), flush=True)\n"
        "got = 0\n"
        "import signal, time\n"
        "def on(n, f):\n    global got\n    got += 1\n"
        "signal.signal(signal.SIGINT, on)\n"
        "print('waiting', flush=True)\n"
        "while not got:\n    time.sleep(0.05)\n"
        "time.sleep(1.5)\n"
        "print('interrupts', got, flush=True)\n",
    )
    process, terminal = pty.fork()
    if process == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(folder.path)
        os.execve(SAMEBITS[0], [*SAMEBITS, "record", "train.py"], folder.environment(TERM="dumb"))
    seen = b""

    def until(word: bytes) -> None:
        nonlocal seen
        while word not in seen:
            seen += os.read(terminal, 4096)

    try:
        until(b"name? ")
        os.write(terminal, b"alice\n")
        until(b"waiting")
        os.write(terminal, b"\x03")
        until(b"interrupts")
        until(b"\n")
        while True:
            seen += os.read(terminal, 4096)
    except OSError:  # its end
        pass
    finally:
        os.close(terminal)
        status = os.waitpid(process, 0)[1]
    shown = seen.decode()
    for line in (
        "tty True True True", "controlling True", "foreground True", "said alice", "interrupts 1",
    ):  # fmt: skip
        assert line in shown, shown
    assert os.waitstatus_to_exitcode(status) == 130, shown
