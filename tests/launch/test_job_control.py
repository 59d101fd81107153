"""Signals, the terminal and job control: a program under samebits has them as it would have them alone."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.programs import SAMEBITS, Started, until

from samebits.launch.signals import Signals

#: Writes each signal into `got`; ends after SIGTERM, SIGHUP or SIGQUIT, or once there is a file `end`.
LISTENS = """
import os, signal, sys, time
NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2]
got = []
def handler(number, frame):
    got.append(number)
    with open("got", "a") as f:
        f.write(signal.Signals(number).name + "\\n")
for number in NUMBERS:
    signal.signal(number, handler)
open("ready", "w").write(str(os.getpid()))
while not os.path.exists("end") and not {1, 3, 15} & {*got}:
    time.sleep(0.02)
time.sleep(0.5)  # a second copy of the signal would still arrive
sys.exit(0)
"""
#: As a script that saves on Ctrl-C, and takes its time.
SAVES = """
import os, time
open("ready", "w").write(str(os.getpid()))
try:
    time.sleep(600)
except KeyboardInterrupt:
    open("saving", "w").close()
    time.sleep(SECONDS)
    open("saved", "w").close()
"""


def got(folder: Any) -> list[str]:
    file = folder.path / "got"
    return file.read_text().split() if file.exists() else []


def ready(folder: Any) -> int:
    file = folder.path / "ready"
    return int(until(lambda: file.exists() and file.read_text()))


def record_of(folder: Any) -> dict[str, Any]:
    (run,) = folder.runs()
    return dict(run.info)


@pytest.mark.parametrize("command", ["record", "verify"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGQUIT"])
def test_a_signal_reaches_the_program_once(folder: Any, start: Any, command: str, name: str) -> None:
    folder.write("listens.py", LISTENS)
    started = start(command, "listens.py")
    ready(folder)
    started.process.send_signal(signal.Signals[name])
    _, err = started.process.communicate(timeout=60)
    assert started.process.returncode == 128 + signal.Signals[name]
    assert got(folder) == [name]
    assert err == f"samebits: interrupted by {name}; what was recorded so far is kept, see `samebits runs`\n"
    assert record_of(folder)["status"] == "interrupted"
    assert started.survivors() == {}


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGUSR1"])
def test_a_signal_to_the_whole_group_reaches_it_once(folder: Any, start: Any, name: str) -> None:
    """As `timeout`, a closed terminal or a resource manager sends it."""
    folder.write("listens.py", LISTENS)
    started = start("record", "listens.py", start_new_session=True)
    ready(folder)
    os.killpg(started.process.pid, signal.Signals[name])
    until(lambda: got(folder))
    time.sleep(0.5)
    (folder.path / "end").touch()
    started.end()
    assert got(folder) == [name]


@pytest.mark.parametrize("name", ["SIGUSR1", "SIGUSR2"])
def test_a_warning_ends_no_program_that_handles_it(folder: Any, start: Any, name: str) -> None:
    folder.write("listens.py", LISTENS)
    started = start("record", "listens.py")
    ready(folder)
    for _ in range(2):
        before = len(got(folder))
        started.process.send_signal(signal.Signals[name])
        until(lambda before=before: len(got(folder)) > before)
    (folder.path / "end").touch()
    assert started.end() == 0
    assert got(folder) == [name, name]
    assert record_of(folder)["status"] == "finished"


def test_a_signal_to_the_process_and_its_group_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 5.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    signals = Signals()
    signals.note(signal.SIGTERM, None)
    now += 0.1
    signals.note(signal.SIGTERM, None)
    signals.note(signal.SIGHUP, None)
    assert signals.drain() == [signal.SIGTERM, signal.SIGHUP]
    now += 0.15  # after the second, but no longer together with the first
    signals.note(signal.SIGTERM, None)
    assert signals.drain() == [signal.SIGTERM]
    now += 1.0
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR1):
        signals.note(number, None)
    assert signals.drain() == [signal.SIGTERM, *[signal.SIGINT] * 2, *[signal.SIGUSR1] * 2]
    assert (signals.ending, signals.interrupts) == (signal.SIGTERM, 2)


def test_timeout_of_coreutils(folder: Any, start: Any) -> None:
    folder.write("listens.py", LISTENS)
    started = start("3", *SAMEBITS, "verify", "listens.py", command=("timeout",))
    ready(folder)
    assert started.end() == 124
    assert started.gone() == {}
    assert got(folder) == ["SIGTERM"]
    assert record_of(folder)["status"] == "interrupted"


@pytest.mark.deep  # its quick form, with a program that trains, is in test_signals
@pytest.mark.parametrize("command", ["record", "verify"])
def test_one_interrupt_lets_the_program_take_its_time(folder: Any, start: Any, command: str) -> None:
    folder.write("saves.py", SAVES.replace("SECONDS", "14"))
    started = start(command, "saves.py")
    ready(folder)
    started.process.send_signal(signal.SIGINT)
    assert started.end() == 130
    assert (folder.path / "saved").exists()
    assert record_of(folder)["status"] == "interrupted"


def test_a_second_interrupt_is_the_programs_too(folder: Any, start: Any) -> None:
    folder.write("saves.py", SAVES.replace("SECONDS", "600"))
    started = start("record", "saves.py")
    ready(folder)
    started.process.send_signal(signal.SIGINT)
    until((folder.path / "saving").exists)
    time.sleep(0.5)
    started.process.send_signal(signal.SIGINT)
    _, err = started.process.communicate(timeout=60)
    assert started.process.returncode == 130
    assert err.count("KeyboardInterrupt") == 2  # the program's own traceback, of the second during the first
    assert not (folder.path / "saved").exists()


def test_a_third_interrupt_kills(folder: Any, start: Any) -> None:
    folder.write("listens.py", LISTENS)
    started = start("record", "listens.py")
    ready(folder)
    for count in (1, 2):
        started.process.send_signal(signal.SIGINT)
        until(lambda count=count: len(got(folder)) == count)
    assert started.process.poll() is None
    started.process.send_signal(signal.SIGINT)
    assert started.end() == 130
    assert record_of(folder)["exit_code"] == -signal.SIGKILL
    assert started.survivors() == {}


@pytest.mark.parametrize("command", ["record", "verify"])
def test_an_ignored_interrupt_stays_ignored(folder: Any, start: Any, command: str) -> None:
    """As `nohup ... &` and `sh -c '... &'` start it."""
    folder.write(
        "ignores.py",
        "import os, signal, time\nassert signal.getsignal(signal.SIGINT) is signal.SIG_IGN\n"
        "open('ready', 'w').write('1')\nwhile not os.path.exists('end'):\n    time.sleep(0.05)\n",
    )
    started = start(command, "ignores.py", ignored=(signal.SIGINT,), start_new_session=True)
    ready(folder)
    started.process.send_signal(signal.SIGINT)
    os.killpg(started.process.pid, signal.SIGINT)
    time.sleep(0.5)
    assert started.process.poll() is None
    (folder.path / "end").touch()
    assert started.end() == (0 if command == "record" else 2)  # it never imported torch
    assert {run.info["status"] for run in folder.runs()} == {"finished"}


def test_a_program_that_ends_leaves_a_child_time_to_clean_up(folder: Any, start: Any) -> None:
    folder.write("shell.sh", f"'{sys.executable}' -c \"$(cat child.py)\" &\nwait\n")
    folder.write(
        "child.py",
        "import os, signal, sys, time\n"
        "def end(*_):\n    time.sleep(0.5); open('cleaned', 'w').close(); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\nopen('ready', 'w').write(str(os.getpid()))\ntime.sleep(600)\n",
    )
    started = start("record", "--", "sh", "shell.sh")
    ready(folder)
    started.process.send_signal(signal.SIGTERM)
    assert started.end() == 128 + signal.SIGTERM
    assert (folder.path / "cleaned").exists()


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGTSTP])
def test_stopped_and_continued_with_samebits(folder: Any, start: Any, number: int) -> None:
    """A rank or a daemon has a session of its own, which the terminal's Ctrl-Z does not reach."""
    folder.write(
        "counts.py",
        "import os, time\nname = 'program'\nif os.fork() == 0:\n    os.setsid()\n    name = 'other'\n"
        "open(name, 'w').write(str(os.getpid()))\n"
        "while not os.path.exists('end'):\n    time.sleep(0.02)\n",
    )
    started = start("record", "counts.py", process_group=0)
    pids = []
    for name in ("program", "other"):
        file = folder.path / name
        pids.append(int(until(lambda file=file: file.exists() and file.read_text())))
    started.process.send_signal(number)
    until(lambda: [started.state(pid) for pid in pids] == ["T", "T"])
    started.process.send_signal(signal.SIGCONT)
    until(lambda: "T" not in [started.state(pid) for pid in pids])
    (folder.path / "end").touch()
    assert started.end() == 0


# -- the terminal ----------------------------------------------------------------------------------


class Terminal:
    """A terminal whose keys a test presses, and an interactive shell in it, if there is one."""

    def __init__(self, start: Any, folder: Any) -> None:
        self.start, self.folder = start, folder
        self.master, self.slave = pty.openpty()
        self.text = ""
        self.started: Started

    def open(self, *words: str, command: tuple[str, ...]) -> Started:
        """Start a session leader whose controlling terminal this is."""
        leader = (
            "import fcntl, os, sys, termios\n"
            "os.setsid()\nfcntl.ioctl(0, termios.TIOCSCTTY, 0)\nos.execvp(sys.argv[1], sys.argv[1:])\n"
        )
        self.started = self.start(
            *words,
            command=(sys.executable, "-c", leader, *command),
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
        )
        return self.started

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def read(self, seconds: float = 0.05) -> str:
        while select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 4096)
            except OSError:  # everyone has closed the other end
                break
            if not data:
                break
            self.text += data.decode(errors="replace")
        return self.text

    def shows(self, text: str) -> bool:
        return text in self.read()

    def close(self) -> None:
        for fd in ("slave", "master"):
            if getattr(self, fd) >= 0:
                os.close(getattr(self, fd))
                setattr(self, fd, -1)


@pytest.fixture
def terminal(start: Any, folder: Any) -> Iterator[Terminal]:
    terminal = Terminal(start, folder)
    yield terminal
    terminal.close()


@pytest.fixture
def shell(terminal: Terminal) -> Callable[..., Terminal]:
    def begin(line: str) -> Terminal:
        terminal.open("--norc", "--noprofile", "-i", command=("bash",))
        terminal.press(line + "\n")
        return terminal

    return begin


COMMAND = " ".join(f"'{word}'" for word in SAMEBITS)


def test_a_program_reads_its_terminal(folder: Any, terminal: Terminal) -> None:
    folder.write(
        "asks.py",
        "import getpass, os, sys\nassert sys.stdin.isatty() and sys.stdout.isatty()\n"
        "os.get_terminal_size()\nprint('<' + input('name? ').upper() + '>')\n"
        "print('[' + getpass.getpass('secret? ') + ']')\nprint(os.tcgetpgrp(0) == os.getpgrp())\n",
    )
    started = terminal.open("record", "asks.py", command=SAMEBITS)
    until(lambda: terminal.shows("name? "))
    terminal.press("word\n")
    until(lambda: terminal.shows("<WORD>"))
    until(lambda: terminal.shows("secret? "))
    time.sleep(0.2)
    terminal.press("hidden\n")
    until(lambda: terminal.shows("[hidden]"))
    until(lambda: terminal.shows("True"))
    until(lambda: terminal.shows("finished"))
    assert started.end() == 0


@pytest.mark.parametrize("command", ["record", "verify"])
def test_ctrl_c_once_is_one_interrupt(folder: Any, terminal: Terminal, command: str) -> None:
    folder.write("listens.py", LISTENS)
    started = terminal.open(command, "listens.py", command=SAMEBITS)
    ready(folder)
    terminal.press("\x03")
    until(lambda: got(folder))
    time.sleep(0.5)
    (folder.path / "end").touch()
    until(lambda: terminal.shows("interrupted"))
    assert started.end() == 130
    assert got(folder) == ["SIGINT"]


def test_a_closed_terminal_ends_everything(folder: Any, terminal: Terminal) -> None:
    folder.write("listens.py", LISTENS)
    started = terminal.open("record", "listens.py", command=SAMEBITS)
    ready(folder)
    terminal.close()
    assert started.end() == 128 + signal.SIGHUP
    assert set(got(folder)) == {"SIGHUP"}
    assert started.gone() == {}
    assert record_of(folder)["status"] == "interrupted"


@pytest.mark.parametrize("command", ["record", "verify"])
def test_ctrl_z_and_fg(folder: Any, shell: Any, command: str) -> None:
    folder.write("listens.py", LISTENS)
    terminal = shell(f"{COMMAND} {command} listens.py")
    pid = ready(folder)
    terminal.press("\x1a")
    until(lambda: terminal.shows("Stopped"))
    until(lambda: terminal.started.state(pid) == "T")
    terminal.press("fg\n")
    until(lambda: terminal.started.state(pid) != "T")
    terminal.press("\x03")
    until(lambda: got(folder))
    (folder.path / "end").touch()
    until(lambda: terminal.shows("interrupted;"))
    terminal.press("echo code=$?\n")
    until(lambda: terminal.shows("code=130"))
    terminal.press("exit\n")
    assert terminal.started.gone() == {}


def test_started_in_the_background(folder: Any, shell: Any) -> None:
    """It runs; when it wants to read it is stopped with samebits, and `fg` lets it read."""
    folder.write("asks.py", "open('ready', 'w').write('1')\nprint('<' + input('name? ').upper() + '>')\n")
    terminal = shell(f"{COMMAND} record asks.py &")
    ready(folder)
    terminal.press("\n")
    until(lambda: terminal.press("\n") or terminal.shows("Stopped"))
    terminal.press("fg\n")
    time.sleep(1.0)
    terminal.press("word\n")
    until(lambda: terminal.shows("<WORD>"))
    until(lambda: terminal.shows("finished"))
    terminal.press("exit\n")
    assert terminal.started.gone() == {}


def test_in_a_pipeline_the_other_end_keeps_the_terminal(folder: Any, shell: Any) -> None:
    """`samebits record ... | less`: the reader is in the same group, and stays in the foreground."""
    folder.write("prints.py", "print('from the program')\n")
    folder.write(
        "reader.py", "import sys\nsys.stdin.read()\nprint('<' + open('/dev/tty').readline().strip() + '>')\n"
    )
    terminal = shell(f"{COMMAND} record prints.py | '{sys.executable}' reader.py")
    until(
        lambda: (
            any(run.info["status"] == "finished" for run in folder.runs())
            if (folder.path / ".samebits").exists()
            else False
        )
    )
    terminal.press("key\n")
    until(lambda: terminal.shows("<key>"))
    terminal.press("exit\n")
    assert terminal.started.gone() == {}
