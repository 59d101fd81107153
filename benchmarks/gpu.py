"""All that needs a CUDA machine, in seven minutes and one command: `make gpu OUT=FOLDER`.

For a machine that is lent for minutes: nothing is installed or downloaded, no environment is made, and it
runs from a bare checkout with ``PYTHONPATH=src``.  The parts come in the order of their worth.  Each has a
time by which it ends (what an earlier one did not need it may use), after which its whole group is
interrupted, then killed; the next one runs whatever became of it.  After every part summary.json and
summary.txt in the folder say what is known, so that a run that is cut off leaves its results.

Ends with 0 if every part passed on CUDA, 1 if one failed or took too long, 2 if there is no CUDA: then what
can run on the CPU has run, which says nothing about CUDA.  (`make` itself ends with 2 for both; summary.json
has the code.)
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
#: Seconds for everything.
MOST: Final = 420.0
#: Of them, for asking whether there is CUDA, before the parts.
ASKING: Final = 20.0
#: Of a part's time, what it has to end by itself once it was interrupted.
GRACE: Final = 4.0
_PACKAGES: Final = (
    "torch", "triton", "numpy", "pytest", "hypothesis", "click", "rich", "xxhash", "scikit-learn",
    "torchvision",
)  # fmt: skip
#: pytest's own settings: those of the project ask for plugins that may not be there.
_PYTEST: Final = (
    "[pytest]\naddopts = -ra --import-mode=importlib -p no:cacheprovider\nmarkers =\n    slow: slow\n"
)


@dataclass(frozen=True, slots=True)
class Part:
    """One command.  ``{out}``, the folder, and what stands in `SETTINGS` are filled into its words.

    Attributes:
        limit: seconds; it may also use what the parts before it left of theirs.
        passing: exit codes that are no failure.
        needs_cuda: whether it is left out on the CPU.
        needs: a module without which it is left out.
        verdict: the file in which samebits leaves a verdict.
    """

    name: str
    words: tuple[str, ...]
    limit: float
    passing: tuple[int, ...] = (0,)
    needs_cuda: bool = False
    needs: str | None = None
    verdict: str | None = None


def _verify(name: str, program: str, limit: float, *options: str, **more: Any) -> Part:
    words = ("-m", "samebits", "verify", *options, "--json", f"{{out}}/{name}.json", "--out", "{out}/runs")
    return Part(name, (*words, str(ROOT / program)), limit, verdict=f"{name}.json", **more)


def _tests(name: str, limit: float) -> Part:
    words = ("-m", "pytest", "-c", "{out}/pytest.ini", "--rootdir", str(ROOT), "-q", "--durations=5")
    file = str(ROOT / "tests" / "gpu" / f"test_{name}.py")
    return Part(
        f"tests-{name}", (*words, f"--junitxml={{out}}/tests-{name}.xml", file), limit, needs_cuda=True
    )


_TRAINING: Final = "tests/gpu/programs/training.py"
#: In the order of their worth.
PARTS: Final = (
    Part("machine", ("-m", "benchmarks.gpu", "--part", "machine", "{out}"), 20),
    Part("observer", ("-m", "benchmarks.gpu", "--part", "observer", "{out}"), 55),
    # As it is, a training on CUDA may part: that is a verdict, too.
    _verify("verify", _TRAINING, 40, passing=(0, 1)),
    _verify("verify-deterministic", _TRAINING, 40, "--seed", "1", "--deterministic"),
    _verify("verify-detector", "examples/detector.py", 35, needs="sklearn"),
    _tests("arithmetic", 45),
    _tests("ops", 50),
    _tests("random", 25),
    _tests("portable", 15),
    _tests("state", 10),
    _tests("seeding", 10),
    Part(
        "bench-ops",
        ("-m", "benchmarks.ops", "--device", "{device}", "--sizes", "small", "--rounds", "{rounds}",
         "--block", "0.001", "--csv", "{out}/ops.csv", "{only}"),
        25,
    ),
    Part(
        "bench-random",
        ("-m", "benchmarks.random", "--device", "{device}", "--sizes", "{numbers}", "--rounds", "{rounds}",
         "--csv", "{out}/random.csv"),
        14,
    ),
    Part(
        "ops-check",
        ("-m", "samebits", "ops", "--check", "--device", "{device}", "--runs", "{runs}", "{names}"),
        15,
    ),
)  # fmt: skip


#: How much is measured.  The CPU's is as little as shows that the part itself works.
SETTINGS: Final = {
    "cuda": {"device": "cuda", "rounds": "5", "numbers": "10000000", "runs": "5", "only": "", "names": ""},
    "cpu": {
        "device": "cpu",
        "rounds": "1",
        "numbers": "10000",
        "runs": "2",
        "only": "--only=grid_sample",
        "names": "grid_sample",
    },
}


@dataclass(slots=True)
class Result:
    """What became of a part.

    ``status`` is "passed", "failed", "too long" or "left out"; ``said`` is its last line or verdict, or why.
    """

    name: str
    status: str
    said: str = ""
    code: int | None = None
    seconds: float = 0.0
    log: str = ""


@dataclass(slots=True)
class Summary:
    """What is known so far, in the folder after every part."""

    out: Path
    device: str
    results: list[Result] = field(default_factory=list)

    @property
    def code(self) -> int:
        if any(result.status in ("failed", "too long") for result in self.results):
            return 1
        return 0 if self.device == "cuda" else 2

    def text(self) -> str:
        where = (
            "on CUDA" if self.device == "cuda" else "no CUDA here: on the CPU, which says nothing about CUDA"
        )
        lines = [f"samebits, {where}"]
        for one in self.results:
            lines.append(f"{one.status:9} {one.seconds:5.0f} s  {one.name:22} {one.said}".rstrip())
        waiting = len(PARTS) - len(self.results)
        return "\n".join([*lines, *([f"{waiting} parts have not run"] if waiting else [])]) + "\n"

    def write(self) -> None:
        document = {
            "device": self.device,
            "complete": len(self.results) == len(PARTS),
            "exit_code": self.code,
            "parts": [asdict(result) for result in self.results],
        }
        for name, text in (
            ("summary.json", json.dumps(document, indent=1) + "\n"),
            ("summary.txt", self.text()),
        ):
            scratch = self.out / f"{name}.new"
            scratch.write_text(text)
            os.replace(scratch, self.out / name)


def ends(parts: Sequence[Part]) -> list[float]:
    """By when each part has to have ended, in seconds from the beginning."""
    found, total = [], 0.0
    for part in parts:
        total += part.limit
        found.append(total)
    return found


def environment() -> dict[str, str]:
    """With this checkout's samebits and benchmarks, from whatever folder this was started."""
    paths = [str(ROOT / "src"), str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)), "PYTHONUNBUFFERED": "1"}


def run(words: Sequence[str], log: Path, cwd: Path, seconds: float, env: Mapping[str, str]) -> int | None:
    """A command's exit code; None if it took too long: its group is interrupted, and then killed."""
    with open(log, "wb") as file:
        child = subprocess.Popen(
            words, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            return child.wait(timeout=max(0.1, seconds - GRACE))
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGINT)  # tests and benchmarks then write what they have
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=GRACE)
            return None
        finally:
            # What it started may be left whether or not it took too long.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def tail(log: Path) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def said(part: Part, log: Path, out: Path) -> str:
    """What to show of a part in one line: its verdict and the place, or the last line of its log."""
    if part.verdict is None:
        return tail(log)
    try:
        verdict = json.loads((out / part.verdict).read_text())
    except (OSError, ValueError):
        return tail(log)
    words = str(verdict["verdict"]).upper()
    if first := verdict.get("first"):
        words += f" at step {first['step']}, {first['op']}, {first['file']}:{first['line']}"
    elif verdict.get("reason"):
        words += f": {verdict['reason']}"
    return f"{words} ({verdict['compared']})"


def filled(part: Part, device: str, out: Path) -> list[str]:
    """The words of a part for a device and a folder."""
    words = list(part.words)
    for name, value in {**SETTINGS[device], "out": str(out)}.items():
        words = [word.replace(f"{{{name}}}", value) for word in words]
    return [word for word in words if word]


def perform(part: Part, summary: Summary, seconds: float) -> Result:
    out = summary.out
    if part.needs_cuda and summary.device != "cuda":
        return Result(part.name, "left out", "needs CUDA")
    if part.needs is not None and find_spec(part.needs) is None:
        return Result(part.name, "left out", f"{part.needs} is not installed")
    words = [sys.executable, *filled(part, summary.device, out)]
    log = out / f"{part.name}.log"
    began = time.monotonic()
    code = run(words, log, out / "work", seconds, environment())
    took = round(time.monotonic() - began, 1)
    status = "too long" if code is None else "passed" if code in part.passing else "failed"
    return Result(part.name, status, said(part, log, out), code, took, log.name)


def device() -> str:
    """Asked in a process of its own: a broken driver may hang or crash."""
    program = "import torch; print('cuda' if torch.cuda.is_available() else 'cpu')"
    try:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=ASKING)
    except subprocess.TimeoutExpired:
        return "cpu"
    return "cuda" if done.stdout.strip().endswith("cuda") else "cpu"


def shown(words: Sequence[str]) -> str:
    """The output of a tool that may not be there."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=8)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{words[0]}: {error}"
    return (done.stdout + done.stderr).strip()


def machine(out: Path) -> int:
    """What the machine is, in machine.json."""
    facts: dict[str, Any] = {
        "python": sys.version,
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "headers": (Path(sysconfig.get_paths()["include"]) / "Python.h").is_file(),
        "CXX": os.environ.get("CXX"),
        "compilers": {
            name: shown([name, "--version"]).splitlines()[:1]
            for name in ("c++", "g++", "clang++", "cc", "nvcc")
            if shutil.which(name)
        },
        "packages": {},
    }
    for name in _PACKAGES:
        try:
            facts["packages"][name] = version(name)
        except PackageNotFoundError:
            facts["packages"][name] = None
    facts["commit"] = shown(["git", "-C", str(ROOT), "rev-parse", "HEAD"])
    smi = shown(["nvidia-smi"]) if shutil.which("nvidia-smi") else "there is no nvidia-smi"
    print(json.dumps(facts, indent=1), smi, sep="\n", flush=True)
    (out / "machine.json").write_text(json.dumps(facts | {"nvidia-smi": smi}, indent=1) + "\n")
    import torch

    facts["torch"] = {"version": torch.__version__, "cuda": torch.version.cuda, "debug": torch.version.debug}
    if torch.cuda.is_available():
        properties = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        facts["devices"] = [
            {"name": one.name, "capability": f"{one.major}.{one.minor}", "memory": one.total_memory,
             "multiprocessors": one.multi_processor_count} for one in properties
        ]  # fmt: skip
        facts["torch"] |= {
            "cudnn": torch.backends.cudnn.version(),
            "architectures": torch.cuda.get_arch_list(),
        }
    (out / "machine.json").write_text(json.dumps(facts | {"nvidia-smi": smi}, indent=1) + "\n")
    names = ", ".join(one["name"] for one in facts.get("devices", ())) or "no CUDA device"
    print(f"{names}; Python {platform.python_version()}, torch {torch.__version__}, {os.cpu_count()} cores")
    return 0


def observer() -> int:
    """Build the native observer, or say why the one in Python takes its place."""
    from samebits.observe import observer

    began = time.monotonic()
    there = observer.is_built()
    try:
        path = observer.build()
    except observer.BuildError as error:
        print(f"the native observer cannot be had, and the one in Python observes instead, slower: {error}")
        return 0
    import torch  # noqa: F401  # the observer is loaded into a torch that is there

    if observer.load().__name__ != "samebits.record._observer" or not hasattr(observer.load(), "__file__"):
        print(
            f"the native observer {path} was built and cannot be loaded; the one in Python observes instead"
        )
        return 1
    how = "was there" if there else f"was built in {time.monotonic() - began:.0f} s"
    print(f"the native observer {how}: {path}")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, metavar="FOLDER", help="where everything is written")
    parser.add_argument("--part", choices=("machine", "observer"), help="this part alone, in this process")
    chosen = parser.parse_args(argv)
    out = chosen.out.resolve()
    if chosen.part is not None:
        return machine(out) if chosen.part == "machine" else observer()
    try:
        (out / "work").mkdir(parents=True, exist_ok=True)
        (out / "pytest.ini").write_text(_PYTEST)
    except OSError as error:
        parser.error(f"results cannot be written to {out}: {error.strerror}; give another folder")
    if sys.version_info < (3, 11) or find_spec("torch") is None:
        parser.error(
            f"{sys.executable} has no torch, or is older than Python 3.11: make gpu PYTHON=... OUT=..."
        )
    summary = Summary(out, device())
    began = time.monotonic()
    for part, end in zip(PARTS, ends(PARTS), strict=True):
        result = perform(part, summary, end - (time.monotonic() - began))
        summary.results.append(result)
        summary.write()
        print(f"{result.status:9} {result.seconds:5.0f} s  {part.name:22} {result.said}", flush=True)
    print(f"\nin {time.monotonic() - began:.0f} s; everything is in {out}, beginning with summary.txt")
    if summary.device != "cuda":
        print("there is no CUDA here: this ran on the CPU, and says nothing about CUDA")
    return summary.code


if __name__ == "__main__":
    sys.exit(main())
