"""Runs programs under `samebits record`, and says of two records what samebits says of them.

The records are made by the command line, as a user makes them; comparing happens in this process and
imports no torch, so that a thousand pairs take a minute.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"
LIMIT = 300.0  # seconds for one command; nothing here takes a tenth of it
# What the caller's shell may set and the programs must not see.
_CLEARED = (
    "PYTHONHASHSEED",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "ATEN_CPU_CAPABILITY",
    "SAMEBITS_OBSERVER",
)
_WEIGHTS = re.compile(r"^weights ([0-9a-f]{32})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended.  ``code`` is None where it went past its limit."""

    code: int | None
    stdout: str
    stderr: str

    @property
    def weights(self) -> str | None:
        """The hash that a program of ours prints last."""
        found = _WEIGHTS.findall(self.stdout)
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Said:
    """What samebits says of two runs: the verdict's word, or "unreadable" where it refuses them."""

    word: str
    text: str
    events: int = 0
    traceback: bool = False  # an error that is none of samebits' own


def programs() -> list[str]:
    return sorted(path.stem for path in PROGRAMS.glob("*.py") if path.stem != "weights")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's, without what would change the programs, and with this checkout's samebits."""
    clean = {key: value for key, value in os.environ.items() if key not in _CLEARED}
    paths = [str(ROOT / "src"), *filter(None, clean.get("PYTHONPATH", "").split(os.pathsep))]
    return {**clean, "PYTHONPATH": os.pathsep.join(paths), **(extra or {})}


def call(words: Sequence[str], folder: Path, extra: Mapping[str, str] | None = None) -> Done:
    """Run a command in ``folder``; past the limit its whole group is killed."""
    folder.mkdir(parents=True, exist_ok=True)
    child = subprocess.Popen(
        words, cwd=folder, env=environment(extra), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        stdout, stderr = child.communicate(timeout=LIMIT)
        code = child.returncode
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        stdout, stderr = child.communicate()
        code = None
    return Done(code, stdout.decode(errors="replace"), stderr.decode(errors="replace"))


def samebits(*words: str, folder: Path, extra: Mapping[str, str] | None = None) -> Done:
    return call([sys.executable, "-m", "samebits", *words], folder, extra)


def plain(program: Path, folder: Path) -> Done:
    return call([sys.executable, str(program)], folder)


def record(
    program: Path, out: Path, *, level: str, observer: str = "native", options: Sequence[str] = ()
) -> tuple[Path | None, Done]:
    """One record; its folder, or None where none was made."""
    extra = {"SAMEBITS_OBSERVER": "python"} if observer == "python" else {}
    words = ["record", "--level", level, "--out", str(out), *options, str(program)]
    done = samebits(*words, folder=out.with_name(out.name + ".work"), extra=extra)
    made = sorted(path for path in out.iterdir() if path.is_dir()) if out.is_dir() else []
    return (made[0] if len(made) == 1 else None), done


def compare(a: Path, b: Path) -> Said:
    """What `samebits compare` would say of two runs."""
    from samebits.compare import compare as compare_runs
    from samebits.errors import SamebitsError
    from samebits.record.run import Run

    try:
        with Run.open(a) as run_a, Run.open(b) as run_b:
            verdict = compare_runs(run_a, run_b)
    except SamebitsError as error:
        return Said("unreadable", str(error))
    except Exception as error:  # a traceback for the user
        return Said("crash", f"{type(error).__name__}: {error}", traceback=True)
    place = verdict.first
    words = [verdict.reason, *verdict.notes, verdict.compared]
    if place is not None:
        words.insert(0, f"the runs diverge at step {place.step}, {place.op} ({place.change})")
    return Said(verdict.verdict, "\n".join(word for word in words if word), verdict.events)


@contextmanager
def busy(processes: int = 2) -> Iterator[None]:
    """A machine that has something else to do."""
    words = [sys.executable, "-c", "while True: pass"]
    running = [subprocess.Popen(words, stdin=subprocess.DEVNULL) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
        for process in running:
            process.wait()
