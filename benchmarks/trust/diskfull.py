"""A disk that is full: the program's own result is right, and samebits ends with 2 and one line.

A tmpfs of a random size holds the records (`--out`) of `samebits record` and of `samebits verify`; another
time it is TMPDIR that has no room; another time `ulimit -f` is the disk that ends.  The program writes its
hash into its own working folder, which has room; it has to be the plain program's, from every run.  Wrong
is another result, a status of 0 where the record is not whole, any other status than 2, and on stderr a
traceback or more than one line.  (A verdict is on stdout; then stderr may be empty.)

Mounting needs root; where it cannot be done the row says so.
"""

from __future__ import annotations

import math
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.trust import recording, rows
from benchmarks.trust.rows import Row

COUNT = 30
SMALLEST = 64 << 10
_SHOWN = 8
#: Limits of a file's size below that of an empty record, two for each command.
_TINY = (16 << 10, 16 << 10, 40 << 10, 40 << 10)

#: Eighty steps whose record takes some hundred kilobytes at level "op".
PROGRAM = """\
import hashlib
import torch

torch.manual_seed(0)
torch.set_num_threads(1)
net = torch.nn.Sequential(*[torch.nn.Linear(64, 64) for _ in range(12)])
optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
for step in range(80):
    (net(torch.randn(64, 64)) ** 2).mean().backward()
    optimizer.step()
    optimizer.zero_grad()
text = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in net.parameters())).hexdigest()[:32]
with open("result.txt", "a") as file:
    print(text, file=file)
print("weights", text)
"""


class MountError(Exception):
    """No file system can be mounted here."""


@contextmanager
def disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of ``size`` bytes at ``folder``.

    Raises:
        MountError: this user, or this container, may not mount.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={size // 1024}k,mode=0700", "tmpfs", str(folder)]
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except OSError as error:
        raise MountError(f"mount: {error.strerror}") from error
    if done.returncode:
        raise MountError((done.stderr.strip().splitlines() or [f"mount ended with {done.returncode}"])[-1])
    try:
        yield folder
    finally:
        if subprocess.run(["umount", str(folder)], capture_output=True).returncode:
            subprocess.run(["umount", "-l", str(folder)], capture_output=True)  # something still holds it


def fill(folder: Path) -> None:
    """Leave no room."""
    with open(folder / "full", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            pass


class Trial:
    """The program, its right result, and a whole record of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.program = folder / "train.py"
        self.program.write_text(PROGRAM)
        self.truth = recording.plain(self.program, folder / "plain").weights
        if self.truth is None:
            raise RuntimeError("the program printed no result")
        self.whole, done = recording.record(self.program, folder / "whole", level="op")
        if self.whole is None or done.code != 0:
            raise RuntimeError(f"the program was not recorded: exit {done.code}\n{done.stderr}")
        self.need = sum(path.stat().st_size for path in self.whole.iterdir())
        self._number = 0

    def faults(
        self, command: str, out: Path, *, extra: dict[str, str] | None = None, blocks: int | None = None
    ) -> list[str]:
        """What is wrong with `samebits record` or `samebits verify` into ``out``."""
        self._number += 1
        work = self.folder / f"work-{self._number}"
        words = [
            sys.executable,
            "-m",
            "samebits",
            command,
            "--level",
            "op",
            "--out",
            str(out),
            str(self.program),
        ]
        if blocks is not None:
            words = ["bash", "-c", f'ulimit -f {blocks}; exec "$@"', "bash", *words]
        done = recording.call(words, work, extra)
        found = []
        results = (work / "result.txt").read_text().split() if (work / "result.txt").is_file() else []
        runs = 2 if command == "verify" else 1
        if set(results) != {self.truth}:
            # A command may refuse before it runs anything; then there is no result to be wrong.
            if results or done.code != 2:
                found.append(f"the program's result is {results or 'not there'}")
        elif command == "record" and len(results) != runs:
            found.append(f"{len(results)} results of {runs} runs")
        said = [line for line in done.stderr.splitlines() if line.strip()]
        if "Traceback" in done.stderr or "Traceback" in done.stdout:
            found.append(f"a traceback: {said[-1] if said else ''}")
        elif done.code == 2:
            judged = any(line.startswith(("INCOMPLETE", "FAILED")) for line in done.stdout.splitlines())
            if len(said) > 1 or (not said and not judged):
                found.append(f"{len(said)} lines on stderr: {' / '.join(said)[:300]}")
        elif done.code != 0:
            found.append(f"exit {done.code}: {(said or ['nothing on stderr'])[-1]}")
        if done.code == 0:
            found += self._whole(command, out)
        return found

    def _whole(self, command: str, out: Path) -> list[str]:
        """A status of 0 claims that the records are whole."""
        assert self.whole is not None
        made = sorted(path for path in out.iterdir() if path.is_dir())
        if command == "record" and not made:
            return ["exit 0 and no record"]
        found = []
        for run in made:
            said = recording.compare(self.whole, run)
            if said.word != "same":
                found.append(f"exit 0, and the record is not whole: {said.word}: {said.text.splitlines()[0]}")
        return found


def sizes(count: int, largest: int, rng: random.Random) -> list[int]:
    """Sizes from `SMALLEST` to ``largest`` in whole pages, alike many in each octave."""
    drawn = [math.exp(rng.uniform(math.log(SMALLEST), math.log(largest))) for _ in range(count)]
    return [int(size) // 4096 * 4096 for size in drawn]


def _row(what: str, tried: list[tuple[str, list[str]]]) -> Row:
    bad = [f"{name}: {'; '.join(found)}" for name, found in tried if found]
    return Row(f"disk full: {what}", len(tried), len(bad), "\n".join(bad[:_SHOWN]))


def full_disks(trial: Trial, count: int, rng: random.Random) -> list[Row]:
    """Disks of ``count`` sizes, of which every other one keeps a record, and the others a verify."""
    tried: dict[str, list[tuple[str, list[str]]]] = {"record": [], "verify": []}
    try:
        for number, size in enumerate(sizes(count, max(2 * trial.need, 2 * SMALLEST), rng)):
            command = ("record", "verify")[number % 2]
            with disk(trial.folder / "disk", size) as mounted:
                tried[command].append((f"{size // 1024} KiB", trial.faults(command, mounted / "runs")))
        with disk(trial.folder / "disk", SMALLEST) as mounted:
            fill(mounted)
            out = trial.folder / "beside"
            tmpdir = [("no room in TMPDIR", trial.faults("record", out, extra={"TMPDIR": str(mounted)}))]
    except MountError as error:
        return [Row("disk full: not tried", 0, 0, f"no file system can be mounted here: {error}")]
    return [
        *(_row(f"`samebits {command}`", found) for command, found in tried.items()),
        _row("TMPDIR", tmpdir),
    ]


def file_limits(trial: Trial, count: int, rng: random.Random) -> list[Row]:
    """`ulimit -f`: no file may grow past a size.  It needs no root."""
    tried: dict[str, list[tuple[str, list[str]]]] = {"record": [], "verify": []}
    chosen = [*_TINY, *sizes(count, max(trial.need, 2 * SMALLEST), rng)]
    for number, size in enumerate(chosen):
        command = ("record", "verify")[number % 2]
        out = trial.folder / f"limited-{number}"
        found = trial.faults(command, out, blocks=size // 1024)
        tried[command].append((f"files of {size // 1024} KiB", found))
    return [
        _row(f"file size limit, `samebits {command}`", found) for command, found in tried.items() if found
    ]


def run(count: int | None, seed: int, folder: Path) -> list[Row]:
    rng = random.Random(seed)
    trial = Trial(folder.resolve())
    number = COUNT if count is None else count
    return [*full_disks(trial, number, rng), *file_limits(trial, max(1, number // 3), rng)]


def main(argv: Sequence[str] | None = None) -> int:
    return rows.main(run, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
