"""A small process between samebits and the program: what the program started does not outlive samebits.

    python -I -S keeper.py CONTROL REPORT own|shared COMMAND...

samebits cannot clean up after its own death, and a process that lost its parent can only be found by whoever
inherits it.  The keeper inherits them all (PR_SET_CHILD_SUBREAPER), and it holds one end of a pipe: where the
other end closes, samebits is gone, and everything below the keeper is killed.  Where the keeper itself is
killed, the kernel kills the program (PR_SET_PDEATHSIG).

CONTROL is read: a byte below 128 is a signal for the program, `ALONE` an interrupt for its first process
alone, `CLEAR` means that what the program left running is to end, `KILL` that everything must.  REPORT is
written, a line each: ``pid N`` or ``error ERRNO``, ``exit CODE``, ``gone``.

With ``own`` the program gets a session of its own, and signals go to its group.  With ``shared`` it stays in
the group and at the terminal of samebits, as if there were nothing between; then a signal of the terminal
reaches it by itself, and must not be sent once more.  A witness in that group tells which did; the keeper
has a group of its own, so that who kills the whole group does not kill the keeper.

This file is run by itself: it imports nothing of samebits, and the fewest modules, so that it costs little.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import signal
import sys
import time
from types import FrameType

KILL, CLEAR, ALONE = 255, 254, 253
#: Signals that are passed on, but for those that the whole group got.
PASSED = (
    signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2,
)  # fmt: skip
#: Seconds in which a signal of the whole group reaches the witness, too, if it was one.
_TOGETHER = 0.2
#: Seconds that what the program left running may take to end by itself; then it is left alone.
_LINGER = 2.0
#: Seconds that it has once it was asked to end.
_CLEARED = 5.0
_TURN = 0.2
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def _nothing(number: int, frame: FrameType | None) -> None:
    """A handler, since a signal that is ignored would be ignored by the program."""


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def parents() -> dict[int, int]:
    """Process -> its parent, of every process there is; empty where there is no /proc."""
    found = {}
    try:
        names = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return {}
    for name in names:
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                # The name of the program stands in parentheses, and may hold any character.
                rest = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if len(rest) > 1 and rest[0] != b"Z":
            found[int(name)] = int(rest[1])
    return found


def descendants(root: int) -> list[int]:
    """Every living process below ``root``, parents before their children."""
    children: dict[int, list[int]] = {}
    for process, parent in parents().items():
        children.setdefault(parent, []).append(process)
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def stopped(process: int) -> bool:
    """Whether a process is stopped, as by Ctrl-Z."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] == b"T"
    except (OSError, IndexError):
        return False


def _start(command: list[str], own: bool) -> tuple[int, int]:
    """The process that runs the command, and 0; or 0, and why it could not be started."""
    keeper = os.getpid()
    read, write = os.pipe()  # closed by a successful exec
    process = os.fork()
    if process == 0:
        try:
            os.close(read)
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != keeper:
                os._exit(1)
            if own:
                os.setsid()
            for name in ("SIGPIPE", "SIGXFSZ", "SIGXFZ"):  # Python ignores them, and so would the program
                number = getattr(signal, name, None)
                if number is not None:
                    signal.signal(number, signal.SIG_DFL)
            os.execvp(command[0], command)
        except OSError as error:
            os.write(write, str(error.errno or errno.EINVAL).encode())
        finally:
            os._exit(127)
    os.close(write)
    with open(read, "rb") as file:
        failed = file.read()
    if failed:
        os.waitpid(process, 0)
        return 0, int(failed)
    return process, 0


class Witness:
    """A process in samebits' group, which tells of each signal that the group gets."""

    def __init__(self) -> None:
        self._read, write = os.pipe()
        self._seen = b""
        keeper = os.getpid()
        self.process = os.fork()
        if self.process == 0:
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            for number in PASSED:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    signal.signal(number, lambda number, _: os.write(write, bytes([number])) and None)
            while os.getppid() == keeper:
                time.sleep(_TURN * 5)
            os._exit(0)
        os.close(write)
        os.set_blocking(self._read, False)

    def saw(self, number: int) -> bool:
        """Whether the group got the signal, too; each counts once."""
        until = time.monotonic() + _TOGETHER
        while True:
            try:
                self._seen += os.read(self._read, 4096)
            except BlockingIOError:
                pass
            if bytes([number]) in self._seen:
                self._seen = self._seen.replace(bytes([number]), b"", 1)
                return True
            if time.monotonic() > until:
                return False
            time.sleep(0.01)


class Keeper:
    """The program, and what it started."""

    def __init__(self, program: int, witness: Witness | None, report: int) -> None:
        self.program = program
        self._witness = witness
        self._own = witness is None
        self._report = report
        self._samebits = os.getppid()
        self._halted: list[int] = []  # stopped because samebits is
        self.ended = False

    def tell(self, line: str) -> None:
        try:
            os.write(self._report, f"{line}\n".encode())
        except OSError:
            pass

    def reap(self) -> None:
        """Take notice of what has ended; those that lost their parent are the keeper's children, too."""
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process == 0:
                return
            if process == self.program:
                self.ended = True
                self.tell(f"exit {os.waitstatus_to_exitcode(status)}")

    def pass_on(self, number: int) -> None:
        """A signal that samebits got; not where the terminal, or who signalled the group, sent it to all."""
        if self.ended or (self._witness is not None and self._witness.saw(number)):
            return
        try:
            (os.killpg if self._own else os.kill)(self.program, number)
        except ProcessLookupError:
            pass

    def below(self) -> list[int]:
        """The program and all that is below it, also what lost its parent."""
        witness = None if self._witness is None else self._witness.process
        return [process for process in descendants(os.getpid()) if process != witness]

    def follow(self) -> None:
        """Stop and go on with samebits."""
        if not self._halted and stopped(self._samebits):
            self._halted = self.below()
            _signal_all(self._halted, signal.SIGSTOP)
        elif self._halted and not stopped(self._samebits):
            _signal_all(self._halted, signal.SIGCONT)
            self._halted = []

    def kill(self) -> None:
        """Nothing stays, also of what is started meanwhile."""
        until = time.monotonic() + 10.0
        while time.monotonic() < until:
            left = self.below()
            if not left and not self.ended:
                left = [self.program]
            if not left:
                return
            _signal_all(left, signal.SIGKILL)
            time.sleep(0.01)
            self.reap()


def _signal_all(processes: list[int], number: int) -> None:
    for process in processes:
        try:
            os.kill(process, number)
        except (ProcessLookupError, PermissionError):
            pass


def main(argv: list[str]) -> int:
    control, report, own, command = int(argv[0]), int(argv[1]), argv[2] == "own", argv[3:]
    for number in (*PASSED, signal.SIGTSTP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _nothing)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    os.set_inheritable(control, False)
    os.set_inheritable(report, False)
    witness = None if own else Witness()
    program, failed = _start(command, own)
    if not own:
        os.setpgid(0, 0)
    keeper = Keeper(program, witness, report)
    if failed:
        keeper.tell(f"error {failed}")
        return 0
    keeper.tell(f"pid {program}")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # the program's, which must end with the program
        os.dup2(nothing, stream)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    os.set_blocking(wake_read, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    linger, cleared = 0.0, False
    while True:
        keeper.reap()
        if keeper.ended:
            linger = linger or time.monotonic() + _LINGER
            if not keeper.below():
                break
            if time.monotonic() > linger:
                if cleared:
                    keeper.kill()
                break
        ready, _, _ = select.select([control, wake_read], [], [], 0.02 if keeper.ended else _TURN)
        if wake_read in ready:
            os.read(wake_read, 4096)
        if control in ready:
            message = os.read(control, 1)
            if message in (b"", bytes([KILL])):  # samebits is gone, or says so
                keeper.kill()
                break
            if message[0] == CLEAR:
                if not cleared:
                    cleared, linger = True, time.monotonic() + _CLEARED
                    _signal_all(keeper.below(), signal.SIGTERM)
            elif message[0] == ALONE:
                _signal_all([] if keeper.ended else [program], signal.SIGINT)
            else:
                keeper.pass_on(message[0])
        keeper.follow()
    keeper.reap()  # what ended a moment ago is gone only when it is reaped
    keeper.tell("gone")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
