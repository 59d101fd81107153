"""Who a controlled process is: another name for every process, the same in every run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from samebits.control.process_key import VARIABLE, ProcessKey, _program
from samebits.control.settings import Control

RANKS = ("RANK", "WORLD_SIZE", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in RANKS:
        monkeypatch.delenv(name, raising=False)


def inherited(process_key: ProcessKey) -> ProcessKey:
    return ProcessKey.from_environment(process_key.to_json())


def test_a_child_inherits_the_control_and_the_path() -> None:
    child = ProcessKey(Control(2**100, True, True)).child("process", 3)
    assert inherited(child) == child


def test_the_program_itself_has_the_seed_that_was_given() -> None:
    assert ProcessKey(Control(7)).root == 7


def test_children_have_seeds_of_their_own() -> None:
    parent = ProcessKey(Control(7))
    names = [("fork", 0), ("fork", 1), ("process", 0), ("command", "a.py", 0), ("command", "b.py", 0)]
    children = [parent.child(*name) for name in names]
    children += [child.child("fork", 0) for child in children]
    roots = [child.root for child in (parent, *children)]
    keys = [child.key("x").digest() for child in (parent, *children)]
    assert len(set(roots)) == len(set(keys)) == 11
    assert roots == [child.root for child in (parent, *children)]


def test_a_rank_that_the_program_starts_is_a_program_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = ProcessKey(Control(7)).child("command", "train.py", 0)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    rank = inherited(launcher)
    assert (rank.path, rank.rank, rank.root) == ((), 1, 7)
    helper = inherited(rank.child("command", "helper.py", 0))
    assert (helper.path, helper.rank) == (("command", "helper.py", 0), 1)


def test_ranks_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = set()
    for number in range(4):
        monkeypatch.setenv("RANK", str(number))
        monkeypatch.setenv("WORLD_SIZE", "4")
        keys.add(inherited(ProcessKey(Control(7))).key("x").digest())
    assert len(keys) == 4


def test_a_launchers_variable_that_is_no_number_is_left_to_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RANK", "first")
    assert inherited(ProcessKey(Control(7))).rank == 0


def test_no_pid_is_in_a_name() -> None:
    assert str(os.getpid()) not in ProcessKey(Control(7)).child("fork", 0).to_json()


def test_counts_are_a_processes_own() -> None:
    parent = ProcessKey(Control(7))
    assert [parent.count("fork"), parent.count("fork"), parent.count("process")] == [0, 1, 0]
    assert parent.child("fork", 1).count("fork") == 0


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["/usr/bin/python3", "-u", "/data/run 17/prep.py", "--out", "x"], "prep.py"),
        ([Path("python"), "-m", "tools.prep", "x"], "-m tools.prep"),
        ([b"python", "-c", "print(1)"], "python"),
        (["/opt/conda/bin/torchrun", "train.py"], "torchrun"),
        ("git status", "git"),
        ([], ""),
        (None, ""),
        ("", ""),
    ],
)
def test_commands_are_named_by_what_they_run(words: object, name: str) -> None:
    if words is None:
        words = []
    assert _program(words) == name


CHILDREN = """
import multiprocessing, os, random, subprocess, sys
import numpy as np

def draw(who):
    print(who, random.random(), np.random.rand(), np.random.default_rng().random(), flush=True)

SUB = "import random as r; from numpy.random import rand, default_rng; "
SUB += "print('sub', r.random(), rand(), default_rng().random())"

if __name__ == "__main__":
    for n in range(2):
        if os.fork() == 0:
            draw("fork")
            os._exit(0)
        os.wait()
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        for n in range(2):
            process = context.Process(target=draw, args=(method,))
            process.start()
            process.join()
    for n in range(2):
        subprocess.run([sys.executable, "-c", SUB], check=True)
    subprocess.run([sys.executable, "-c", SUB], check=True, env=dict(os.environ))
    with open("sub.py", "w") as file:
        file.write(SUB)
    for n in range(2):
        os.system(f"'{sys.executable}' sub.py")  # its path may have a space
    os.waitpid(os.posix_spawn(sys.executable, [sys.executable, "sub.py"], os.environ), 0)
    draw("main")
"""


@pytest.mark.slow
def test_children_of_all_kinds_draw_numbers_of_their_own_and_again(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(CHILDREN)
    outputs = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "samebits", "run", "--seed", "5", "train.py"],
            cwd=tmp_path,
            env={k: v for k, v in os.environ.items() if k != VARIABLE},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    rows = [line.split()[1:] for line in outputs[0].splitlines()]
    assert len(rows) == 15
    for column in zip(*rows, strict=True):
        assert len(set(column)) == 15, outputs[0]
