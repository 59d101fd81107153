"""Runs without the cost of imports: a process that has imported torch forks a child for each.

What is decided as a process starts (hash seed, threads, instructions of the processor) is that of the process
that forks, so there is one for each such environment.  A child gets generators seeded by the system, as a
fresh process has; addresses are those of its siblings.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

#: Seconds after which a child is ended.
LIMIT = 300

#: Variables that a process reads as it starts.
AT_START = ("PYTHONHASHSEED", "OMP_NUM_THREADS", "ATEN_CPU_CAPABILITY")


class EndedError(Exception):
    """The process that forks has ended."""


class Server:
    """A process that forks."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env={
                key: value for key, value in environment.items() if key not in ("STRESS_OUT", "STRESS_CHANGE")
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, script: Path, environment: dict[str, str], out: Path) -> tuple[int, str, str]:
        """Exit code, standard output and errors of a program that runs in its folder.

        Raises:
            EndedError: the process that forks has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        job = {"script": str(script), "environment": environment, "out": str(out)}
        try:
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise EndedError from None
        answer = self._process.stdout.readline()
        if not answer:
            raise EndedError
        return json.loads(answer), (out / "stdout").read_text("utf-8"), (out / "stderr").read_text("utf-8")

    def close(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()


def serve() -> None:
    """Fork a child for each line of standard input; answer with its exit code."""
    import numpy
    import sklearn.datasets
    import torch.utils.data

    del numpy, sklearn, torch
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            _child(job)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _child(job: dict[str, Any]) -> None:
    import atexit
    import random
    import runpy
    import traceback

    signal.alarm(LIMIT)
    out, script = Path(job["out"]), Path(job["script"])
    for number, name in ((1, "stdout"), (2, "stderr")):
        opened = os.open(out / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, number)
        os.close(opened)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = 1
    try:
        os.environ.clear()
        os.environ.update(job["environment"])
        time.tzset()
        os.chdir(script.parent)
        sys.argv = [script.name]
        sys.path[:] = [str(script.parent), *sys.path[1:]]
        outside = str(Path(__file__).resolve().parent / "outside")
        if outside not in sys.path:
            sys.path.append(outside)
        import numpy as np
        import torch

        random.seed()
        np.random.seed()
        torch.seed()
        import patches
        import seen

        patches.install(os.environ.get("STRESS_CHANGE", ""))
        seen.install(os.environ["STRESS_OUT"])
        runpy.run_path(script.name, run_name="__main__")
        code = 0
    except BaseException:
        traceback.print_exc()
    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
