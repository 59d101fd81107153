"""A started Python that uses torch unobserved is noticed, and no other is."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.deep import only
from tests.programs import Folder

from samebits.launch.attached import Unattached, sentence

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the maps of a process")

#: In place of torch: a library of its name, mapped as the loader would.
FAKE = """
import mmap, os, sys, time
def torch():
    with open("libtorch_python.so", "wb") as f:
        f.write(bytes(4096))
    with open("libtorch_python.so", "rb") as f:
        return mmap.mmap(f.fileno(), 4096, access=mmap.ACCESS_READ)
def wait():
    print("ready", flush=True)
    sys.stdin.readline()
"""
ANNOUNCED = "from samebits.launch.attached import announce\nannounce('/runs/r1')\n"


@contextmanager
def started(folder: Path, code: str, *options: str, words: tuple[str, ...] = ()) -> Iterator[int]:
    """A process that waits after it has run `code`; its pid."""
    child = subprocess.Popen(
        [sys.executable, *options, "-c", FAKE + code + "\nwait()", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=folder,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        yield child.pid
    finally:
        child.communicate(b"\n")


def found(watch: Unattached, pid: int) -> list[dict[str, Any]]:
    for _ in range(2):
        watch.look([pid])
    return watch.found


@linux
def test_who_has_torch_and_did_not_announce_is_found_once(tmp_path: Path) -> None:
    with started(tmp_path, "t = torch()", "-I", words=("--token", "hunter2hunter2")) as pid:
        (row,) = found(Unattached(Path("/runs/r1")), pid)
    assert row["command"][:2] == [sys.executable, "-I"]
    assert "hunter2" not in json.dumps(row)
    assert row["why"].startswith("-I ignores PYTHONPATH")


@linux
@pytest.mark.parametrize(
    "code",
    [
        "pass",  # no torch
        ANNOUNCED,
        ANNOUNCED + "t = torch()",
        ANNOUNCED + "t = torch()\nif os.fork(): os.wait(); os._exit(0)",  # a fork is observed with its parent
    ],
)
def test_who_announced_or_has_no_torch_is_not_found(tmp_path: Path, code: str) -> None:
    with started(tmp_path, code) as pid:
        watch = Unattached(Path("/runs/r1"))
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            assert found(watch, each) == []


@linux
def test_a_python_that_cannot_name_memory_announces_by_a_file(tmp_path: Path) -> None:
    run = tmp_path / "r1"
    run.mkdir()
    code = f"del os.memfd_create\nfrom samebits.launch.attached import announce\nannounce({str(run)!r})\n"
    with started(tmp_path, code + "t = torch()") as pid:
        assert found(Unattached(run), pid) == []
        assert len(found(Unattached(tmp_path / "r2"), pid)) == 1
    assert [path.name for path in run.iterdir()] == ["attached"]


@linux
def test_who_announced_for_another_run_is_found(tmp_path: Path) -> None:
    with started(tmp_path, ANNOUNCED + "t = torch()") as pid:
        assert len(found(Unattached(Path("/runs/r2")), pid)) == 1


@linux
def test_torch_that_comes_later_is_found_and_what_is_exec_ed_is_another_program(tmp_path: Path) -> None:
    unattached = repr(FAKE + "t = torch()\nwait()")
    code = ANNOUNCED + f"wait()\nos.execv(sys.executable, [sys.executable, '-E', '-c', {unattached}])"
    child = subprocess.Popen(
        [sys.executable, "-c", FAKE + code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        bufsize=0,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    watch = Unattached(Path("/runs/r1"))
    assert child.stdout.readline() == b"ready\n"
    assert found(watch, child.pid) == []
    child.stdin.write(b"\n")
    assert child.stdout.readline() == b"ready\n"
    (row,) = found(watch, child.pid)
    assert row["why"].startswith("-E ignores")
    child.communicate(b"\n")


@linux
def test_processes_that_torch_starts_to_compile_are_none_of_the_program(tmp_path: Path) -> None:
    entry = "/x/torch/_inductor/compile_worker/__main__.py"
    with started(tmp_path, "t = torch()", "-I", words=(entry,)) as pid:
        assert found(Unattached(Path("/runs/r1")), pid) == []


@linux
def test_what_is_below_is_looked_at_and_a_process_that_ended_is_no_error(tmp_path: Path) -> None:
    watch = Unattached(Path("/runs/r1"))
    with started(tmp_path, "t = torch()") as pid:
        watch.look_below(os.getpid())
        assert any(str(pid) for row in watch.found)
    watch.look([pid])
    watch.look_below(os.getpid())
    assert len(watch.found) == 1


def test_a_sentence_from_run_json() -> None:
    assert sentence({}) is None
    assert sentence({"unattached": []}) is None
    assert sentence({"unattached": "x"}) is None
    row = {"command": ["python", "-I", "a b.py"], "why": "-I ..."}
    assert sentence({"unattached": [row]}) == "python -I 'a b.py' used torch unobserved: -I ..."
    assert (
        sentence({"unattached": [row, row]})
        == "python -I 'a b.py' (and 1 more) used torch unobserved: -I ..."
    )


STEP = """
import torch
w = torch.nn.Parameter(torch.ones(2))
w.sum().backward()
torch.optim.SGD([w], 0.1).step()
"""
PYTHON = {"SAMEBITS_OBSERVER": "python"}  # the test needs no compiler


@linux
def test_verify_says_who_was_not_observed_and_why(folder: Folder) -> None:
    folder.write("x.py", STEP)
    ended, verdict = folder.json("--", "sh", "-c", f"env -i {shlex.quote(sys.executable)} x.py", **PYTHON)
    assert (ended.code, verdict["verdict"]) == (2, "incomplete")
    assert "used torch unobserved: its environment was replaced" in verdict["reason"]


@linux
@pytest.mark.slow
@pytest.mark.parametrize("command", only(["record"], ["record", "verify"]))
def test_a_child_that_is_not_observed_makes_a_run_that_agrees_incomplete(
    folder: Folder, command: str
) -> None:
    child = "import subprocess, sys; subprocess.run([sys.executable, '-I', 'x.py'], check=True)\n"
    folder.write("x.py", STEP)
    folder.write("both.py", child + STEP)
    if command == "verify":
        ended, verdict = folder.json("both.py", **PYTHON)
        assert (ended.code, verdict["verdict"]) == (2, "incomplete")
        assert "-I ignores PYTHONPATH" in json.dumps(verdict)
        return
    ended = folder.samebits("record", "both.py", **PYTHON)
    assert ended.code == 2
    assert "used torch unobserved in" in ended.err
    assert ": -I ignores PYTHONPATH" in ended.err


WORKERS = """
import multiprocessing, subprocess, sys
import torch
from torch.utils.data import DataLoader, TensorDataset

def work(n):
    return torch.ones(n).sum().item()

if __name__ == "__main__":
    loader = DataLoader(TensorDataset(torch.ones(4, 2)), num_workers=2)
    list(loader)
    for method in ("spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            assert pool.map(work, [3]) == [3.0]
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    subprocess.run([sys.executable, "plain.py"], check=True)
"""


@pytest.mark.deep
@linux
@pytest.mark.slow
def test_workers_and_children_of_every_kind_are_no_false_alarm(folder: Folder) -> None:
    folder.write("plain.py", STEP)
    folder.write("workers.py", WORKERS + "\n".join("    " + line for line in STEP.splitlines()))
    ended = folder.samebits("record", "--level", "step", "workers.py", **PYTHON)
    assert (ended.code, ended.err) == (0, "")
    assert folder.last().info["unattached"] == []
