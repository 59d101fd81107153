"""Is a run that lost something ever called the same, and does the sentence say what it lost?

Runs of several processes and runs that were killed (their records have write-ahead logs) are copied, cut at
random in one of the ways of cutting.py, and compared with the whole run, both ways round.  Wrong is a
cut run called the same, any verdict that claims the runs diverge, any error, and a sentence that does not
say which run lost something, which process or file, or up to which step they agree.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.trust import cutting, recording, rows
from benchmarks.trust.rows import Row

COUNT = 200
#: (program, level) of the runs that are cut; the last ones are killed.
WHOLE = (("cnn", "op"), ("workers", "step"), ("stream", "op"), ("ranks", "step"), ("children", "op"))
KILLED = (("many_small", "op"), ("ranks", "op"))
_SHOWN = 6
_TRIES = 4  # how often each run is tried; a cut is at random


@dataclass(frozen=True, slots=True)
class Base:
    """A run to cut, and the whole run it is compared with."""

    run: Path
    whole: Path
    killed: bool


def whole_run(program: str, level: str, out: Path) -> Path:
    run, done = recording.record(recording.PROGRAMS / f"{program}.py", out, level=level)
    if run is None or done.code != 0:
        raise RuntimeError(f"{program} was not recorded: exit {done.code}\n{done.stderr}")
    return run


def killed_run(program: str, level: str, out: Path, rng: random.Random) -> Path:
    """A run whose launcher and processes were all killed once it had finished some steps."""
    work = out.with_name(out.name + ".work")
    work.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "samebits", "record", "--level", level, "--out", str(out)]
    launcher = subprocess.Popen(
        [*words, str(recording.PROGRAMS / f"{program}.py")], cwd=work, env=recording.environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    steps = rng.randint(2, 5)
    deadline = time.monotonic() + recording.LIMIT
    try:
        while launcher.poll() is None and time.monotonic() < deadline:
            for path in out.glob("*/progress"):
                if int.from_bytes(path.read_bytes(), "little") >= steps:
                    break
            else:
                time.sleep(0.002)
                continue
            break
    finally:
        for pid in reversed([launcher.pid, *descendants(launcher.pid)]):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        launcher.wait()
    (run,) = (path for path in out.iterdir() if path.is_dir())
    return run


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and theirs."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):  # it has ended
            continue
        if parent == pid:
            found += [int(folder.name), *descendants(int(folder.name))]
    return found


def bases(
    folder: Path, seed: int, whole: Sequence[tuple[str, str]], killed: Sequence[tuple[str, str]]
) -> list[Base]:
    rng = random.Random(seed)
    made = []
    for program, level in whole:
        run = whole_run(program, level, folder / f"{program}-{level}")
        made.append(Base(run, run, False))
    for program, level in killed:
        run = killed_run(program, level, folder / f"{program}-{level}-killed", rng)
        made.append(Base(run, whole_run(program, level, folder / f"{program}-{level}"), True))
    return made


def faults(said: recording.Said, lost: cutting.Lost, name: str, letter: str, killed: bool) -> list[str]:
    """What is wrong with what is said of a run that lost something.

    ``letter`` is A or B, the place of the cut run; ``killed`` that it was never whole.
    """
    if said.word not in ("incomplete", "unreadable", "failed"):
        return [f"called {said.word}"]
    found = []
    text = said.text
    if not re.search(rf"{re.escape(name)}|\brun {letter}\b", text):
        found.append("does not say which run")
    if said.word == "unreadable":  # of a file nothing more can be said than which, and that it is damaged
        return found
    found += [f"does not say {word}" for word in lost.words if not re.search(word, text)]
    if killed and lost.steps is None:
        # What a killed run holds depends on the moment; its own count is in the record.
        return found
    if lost.steps and not {str(lost.steps), str(lost.steps - 1)} & set(re.findall(r"\bstep (\d+)", text)):
        found.append(f"does not say up to which step ({lost.steps}) they agree")
    return found


def cut_and_compare(
    base: Base, name: str, cut: cutting.Cut, rng: random.Random, folder: Path
) -> list[str] | None:
    """What is wrong with the two comparisons; None where this run cannot be cut so."""
    copy = cutting.copy(base.run, folder, name)
    try:
        lost = cut(copy, rng)
        if lost is None:
            return None
        found = []
        for letter, pair in (("A", (copy, base.whole)), ("B", (base.whole, copy))):
            said = recording.compare(*pair)
            for fault in faults(said, lost, name, letter, base.killed):
                first = (said.text.splitlines() or [""])[0]
                found.append(
                    f"{base.run.parent.name}, {lost.what}, as run {letter}: {fault}: {said.word}: {first}"
                )
        return found
    finally:
        shutil.rmtree(copy)


def cut_all(made: Sequence[Base], count: int, rng: random.Random, folder: Path) -> list[Row]:
    """Cut ``count`` times, each way as often as any other."""
    tried = dict.fromkeys(cutting.CUTS, 0)
    wrong: dict[str, list[list[str]]] = {name: [] for name in tried}
    for number in range(count):
        way = list(cutting.CUTS)[number % len(cutting.CUTS)]
        for attempt, base in enumerate(_TRIES * rng.sample(made, len(made))):
            found = cut_and_compare(base, f"cut-{number}-{attempt}", cutting.CUTS[way], rng, folder)
            if found is None:  # this run has nothing to cut so, or the cut would have left no trace
                continue
            tried[way] += 1
            if found:
                wrong[way].append(found)
            break
    number = sum(tried.values())
    same = sum(any("called same" in fault for fault in one) for found in wrong.values() for one in found)
    made_rows = [Row("cuts: called the same", number, same)]
    for way, times in tried.items():
        shown = [fault for found in wrong[way] for fault in found][:_SHOWN]
        made_rows.append(Row(f"cuts: {way}", times, len(wrong[way]), "\n".join(shown)))
    return made_rows


def run(count: int | None, seed: int, folder: Path) -> list[Row]:
    made = bases(folder / "runs", seed, WHOLE, KILLED)
    return cut_all(made, COUNT if count is None else count, random.Random(seed), folder)


def main(argv: Sequence[str] | None = None) -> int:
    return rows.main(run, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
