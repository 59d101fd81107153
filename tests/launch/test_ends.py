"""A program may end in many ways, and its record then holds all of it; one that is cut off is never whole."""

from __future__ import annotations

from typing import Any

import pytest
from tests.deep import only

_TRAIN = """\
import os, sys, threading
import torch

torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

def train(steps):
    for _ in range(steps):
        model(torch.ones(8, 4)).sum().backward()
        optimizer.step()

"""
_ENDS = {
    "falls off": "train(3)\n",
    "sys.exit": "train(3)\nsys.exit(0)\n",
    "os._exit": "train(3)\nos._exit(0)\n",
    "os._exit in a thread": (
        "train(3)\nthread = threading.Thread(target=os._exit, args=(0,))\nthread.start()\nthread.join()\n"
    ),
    "exec": (
        "train(3)\nif 'AGAIN' not in os.environ:\n    os.environ['AGAIN'] = '1'\n"
        "    os.execv(sys.executable, [sys.executable, *sys.argv])\n"
    ),
    "an exec that fails": (
        "train(2)\ntry:\n    os.execv('/no/such/program', ['x'])\nexcept OSError:\n    train(1)\n"
    ),
    "a fork that trains": (
        "pid = os.fork()\ntrain(3)\nif pid == 0:\n    os._exit(0)\nassert os.waitpid(pid, 0)[1] == 0\n"
    ),
}


@pytest.mark.parametrize("how", only(["os._exit", "a fork that trains"], _ENDS))
def test_a_program_that_ended_by_itself_is_whole(folder: Any, how: str) -> None:
    folder.write("train.py", _TRAIN + _ENDS[how])
    for _ in range(2):
        ended = folder.samebits("record", "--level", "step", "train.py")
        assert ended.code == 0, ended.err
    first, second = (run.id for run in folder.runs())
    ended = folder.samebits("compare", first, second)
    assert (ended.code, ended.out.partition(" ")[0]) == (0, "SAME"), ended.out
    assert "3 steps" in ended.out


def test_a_program_that_kills_itself_is_not(folder: Any) -> None:
    folder.write("train.py", _TRAIN + "train(3)\nimport signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    folder.write("launcher.py", "import subprocess, sys\nsubprocess.run([sys.executable, 'train.py'])\n")
    for _ in range(2):
        assert folder.samebits("record", "--level", "step", "launcher.py").code == 2
    first, second = (run.id for run in folder.runs())
    ended = folder.samebits("compare", first, second)
    assert (ended.code, ended.out.partition(" ")[0]) == (2, "INCOMPLETE"), ended.out
    assert "agrees up to step 3" in ended.out
    assert "did not close the record" in ended.out
