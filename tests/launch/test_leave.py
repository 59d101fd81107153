"""`--steps` ends a program whatever it holds open, and its own cleanup runs."""

from __future__ import annotations

import os
import sys
import textwrap
from typing import Any

import pytest
from tests.deep import only

_TRAIN = """\
import atexit, os, queue, sys, threading, time
import torch

atexit.register(lambda: print("exit function", flush=True))

def square(n):
    return n * n

def slow(n):
    time.sleep(600)

def train():
    torch.manual_seed(0)
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for _ in range(10):
        model(torch.ones(2, 1)).sum().backward()
        optimizer.step()

if __name__ == "__main__":
"""

_HELD = {
    "an idle process pool": """
        from concurrent.futures import ProcessPoolExecutor
        pool = ProcessPoolExecutor(2)
        assert list(pool.map(square, range(4))) == [0, 1, 4, 9]
        train()
    """,
    "a pool with work that takes for ever, in a with block": """
        from concurrent.futures import ProcessPoolExecutor
        with ProcessPoolExecutor(1) as pool:
            futures = [pool.submit(slow, n) for n in range(20)]
            train()
    """,
    "a pool of threads with much to do": """
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(1)
        futures = [pool.submit(time.sleep, 1.0) for n in range(200)]
        train()
    """,
    "multiprocessing.Pool": """
        import multiprocessing
        pool = multiprocessing.Pool(2)
        assert pool.map(square, range(3)) == [0, 1, 4]
        waiting = pool.map_async(slow, range(3))
        train()
    """,
    "persistent workers": """
        loader = torch.utils.data.DataLoader(torch.arange(8.0), num_workers=2, persistent_workers=True)
        assert len(list(loader)) == 8
        train()
    """,
    "a queue that nobody empties, in a finally": """
        work = queue.Queue()
        work.put(1)
        try:
            train()
        finally:
            print("finally", flush=True)
            work.join()
    """,
    "a thread that waits for steps": """
        threading.Thread(target=threading.Event().wait).start()
        train()
    """,
    "joblib": """
        import joblib
        assert joblib.Parallel(n_jobs=2)(joblib.delayed(square)(n) for n in range(3)) == [0, 1, 4]
        train()
    """,
}


@pytest.mark.parametrize(
    "held", only(["an idle process pool", "persistent workers", "a thread that waits for steps"], _HELD)
)
def test_it_ends(folder: Any, held: str) -> None:
    if held == "joblib":
        pytest.importorskip("joblib")
    folder.write("train.py", _TRAIN + textwrap.indent(textwrap.dedent(_HELD[held]), "    "))
    ended = folder.samebits("record", "--level", "step", "--steps", "3", "train.py", timeout=120)
    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err
    run = folder.last()
    assert (run.info["status"], run.records["main"].status, run.records["main"].steps) == (
        "finished",
        "stopped",
        3,
    )
    if "finally" in held:
        assert "finally" in ended.out
    else:
        assert ended.out.splitlines()[0] == "exit function"


_CATCHES = """
import sys, torch

model = torch.nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), 0.01)
ended = 0
for case in range(4):  # as a runner of tests does
    try:
        for _ in range(5):
            model(torch.ones(2, 1)).sum().backward()
            optimizer.step()
    except BaseException as error:
        print("case", case, type(error).__name__, flush=True)
        ended += 1
sys.exit(ended)
"""


def test_a_program_that_takes_the_end_for_an_error(folder: Any) -> None:
    """Each further step is stopped, too; that the program then calls itself failed is no failure of it."""
    folder.write("cases.py", _CATCHES)
    runner = "import subprocess, sys\nsys.exit(subprocess.call([sys.executable, '-c', 'import cases']))\n"
    folder.write("runner.py", runner)
    ended = folder.samebits("record", "--level", "step", "--steps", "2", "runner.py", timeout=120)
    assert ended.out.count("StopRun") == 4, ended.out + ended.err
    run = folder.last()
    assert (run.info["status"], run.info["exit_code"], run.records["main"].steps) == ("stopped", 4, 2)


def test_what_it_would_have_ended_itself_ends(folder: Any) -> None:
    """A helper with a session of its own, which the program ends in its last line."""
    body = """
        import subprocess
        sleep = "import time; time.sleep(600)"
        helper = subprocess.Popen([sys.executable, "-c", sleep], start_new_session=True)
        print(helper.pid, flush=True)
        train()
        helper.kill()
    """
    folder.write("train.py", _TRAIN + textwrap.indent(textwrap.dedent(body), "    "))
    ended = folder.samebits("record", "--level", "step", "--steps", "3", "train.py", timeout=120)
    assert ended.code == 0, ended.err
    with pytest.raises(ProcessLookupError):
        os.kill(int(ended.out.split()[0]), 0)


_POOLS = {
    "multiprocessing.Pool": """
        import multiprocessing
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(pool.map(trained, range(4), chunksize=1))
    """,
    "a process pool": """
        from concurrent.futures import ProcessPoolExecutor
        with ProcessPoolExecutor(2) as pool:
            print(list(pool.map(trained, range(4))))
    """,
    "a pipe": """
        import multiprocessing
        theirs, ours = multiprocessing.Pipe()
        child = multiprocessing.get_context("fork").Process(target=lambda: theirs.send(trained(0)))
        child.start()
        print(ours.recv())
    """,
}


@pytest.mark.skipif(sys.platform != "linux", reason="looks for what is computed in /proc")
@pytest.mark.parametrize("pool", only(["a process pool"], _POOLS))
def test_what_waits_for_a_process_that_stopped_ends(folder: Any, pool: str) -> None:
    """The workers take the steps, and what they were asked for never comes."""
    trained = "def trained(number):\n    train()\n    return number\n\n"
    program = _TRAIN.replace("if __name__ ==", trained + "if __name__ ==")
    folder.write("train.py", program + textwrap.indent(textwrap.dedent(_POOLS[pool]), "    "))
    ended = folder.samebits("record", "--level", "step", "--steps", "3", "train.py", timeout=120)
    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err
    run = folder.last()
    assert run.info["status"] == "finished"
    assert {record.steps for name, record in run.records.items() if name != "main"} == {3}
