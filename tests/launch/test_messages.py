"""Workers that their program ends by a signal have whole records, once they handed over what they did."""

from __future__ import annotations

from typing import Any

import pytest
from tests.deep import only

pytestmark = pytest.mark.slow

_TRAIN = """\
import multiprocessing, os, sys, time
import torch

def train(seed):
    torch.manual_seed(seed)
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(3):
        model(torch.ones(2, 2)).sum().backward()
        optimizer.step()
    return model.weight.sum().item()

def serve(pipe):
    for seed in iter(pipe.recv, None):
        pipe.send(train(seed))

def serve_queues(work, done):
    for seed in iter(work.get, "no more"):
        done.put(train(seed))

def talk_on(pipe):
    pipe.send(train(pipe.recv()))
    for seed in range(1000):
        train(seed)

if __name__ == "__main__":
    how = multiprocessing.get_context("spawn")
"""
_ENDED = {
    "a pool in a with block": """
    with multiprocessing.get_context("fork").Pool(1) as pool:
        print(pool.map(train, range(3), chunksize=1))
""",
    "a pool of a fork server": """
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        print(pool.map(train, range(3), chunksize=1))
""",
    "a server of a pipe, terminated": """
    ours, theirs = how.Pipe()
    server = how.Process(target=serve, args=(theirs,))
    server.start()
    for seed in range(3):
        ours.send(seed)
        print(ours.recv())
    server.terminate()
    server.join()
""",
    "a server of queues, killed": """
    work, done = how.Queue(), how.Queue()
    server = how.Process(target=serve_queues, args=(work, done))
    server.start()
    for seed in range(3):
        work.put(seed)
        print(done.get())
    server.kill()
    server.join()
""",
}
#: Two runs need not end their workers alike: which comes first, the word that all is done or the signal, is
#: a matter of time where `with Pool` ends.
_EITHER = """
    ours, theirs = how.Pipe()
    server = how.Process(target=serve, args=(theirs,))
    server.start()
    for seed in range(3):
        ours.send(seed)
        print(ours.recv())
    first = not os.path.exists("ran")
    open("ran", "w").close()
    if first:
        ours.send(None)
    else:
        server.terminate()
    server.join()
"""
_CUT = """
    ours, theirs = how.Pipe()
    server = how.Process(target=talk_on, args=(theirs,))
    server.start()
    ours.send(0)
    print(ours.recv())
    time.sleep(1)
    server.kill()
    server.join()
"""


_LAZY = _TRAIN.replace("import torch\n", "").replace("(seed):\n", "(seed):\n    import torch\n")
_PROGRAMS = {how: _TRAIN + ended for how, ended in _ENDED.items()} | {
    # The worker imports torch after it was forked, and after it took hold of its queues.
    "torch imported by the work itself": _LAZY + _ENDED["a pool in a with block"]
}


@pytest.mark.parametrize("how", only(["a pool in a with block"], _PROGRAMS))
def test_what_was_handed_over_is_whole(folder: Any, how: str) -> None:
    folder.write("train.py", _PROGRAMS[how])
    ended = folder.samebits("verify", "train.py", timeout=120)
    assert ended.out.startswith("SAME"), ended.out
    for run in folder.runs():
        (child,) = (record for name, record in run.records.items() if name != "main")
        assert (child.status, child.steps, child.notes.get("handed")) == ("finished", 9, True)


def test_a_worker_that_is_told_and_one_that_is_ended(folder: Any) -> None:
    folder.write("train.py", _TRAIN + _EITHER)
    ended = folder.samebits("verify", "train.py", timeout=120)
    assert ended.out.startswith("SAME"), ended.out
    events = [
        record.events_total for run in folder.runs() for name, record in run.records.items() if name != "main"
    ]
    assert events[0] - events[1] == 6, "the first read two parameters of three models as it ended"


def test_what_computes_on_is_not(folder: Any) -> None:
    folder.write("train.py", _TRAIN + _CUT)
    ended = folder.samebits("verify", "train.py", timeout=120)
    assert ended.code == 2
    assert "did not close the record" in " ".join(ended.out.split())
