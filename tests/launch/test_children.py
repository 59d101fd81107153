"""Processes and threads that run at once: two runs of equal results are SAME, whichever of them was faster.

Each program is faster in another place in its second run, which it knows by a file of the first.
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.deep import only

pytestmark = pytest.mark.slow

_TRAIN = """\
import multiprocessing, os, subprocess, sys, threading, time

def second_run():
    try:
        os.close(os.open("ran", os.O_CREAT | os.O_EXCL))
        return False
    except FileExistsError:
        return True

def train(seed, generator=None):
    import torch
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(2, 1, generator=generator, requires_grad=True)
    optimizer = torch.optim.SGD([weight], 0.1)
    for _ in range(3):
        (torch.ones(2, 2) @ weight).square().sum().backward()
        optimizer.step()
    return weight.tolist()

def save(seed, path):
    import torch
    torch.save(torch.tensor(train(seed)), path)
"""
_AT_ONCE = {
    "forks that import torch themselves": """
late = second_run()
for number in range(2):
    if os.fork() == 0:
        time.sleep(2 * (late == (number == 0)))
        train(number)
        os._exit(0)
os.wait(), os.wait()
""",
    "commands": """
if len(sys.argv) > 1:
    time.sleep(2 * (open("late").read() == sys.argv[1]))
    train(int(sys.argv[1]))
    sys.exit()
open("late", "w").write(str(int(second_run())))
started = [subprocess.Popen([sys.executable, __file__, str(number)]) for number in range(2)]
for one in started:
    assert one.wait() == 0
""",
    "workers of a pool": """
def wait(late):
    time.sleep(2 * (late == multiprocessing.current_process().name.endswith("1")))

def work(seed):
    found = train(seed)
    time.sleep(3)
    return found

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2, wait, (second_run(),)) as pool:
        print(pool.map(work, range(2), chunksize=1))
""",
    "threads": """
import torch
late = second_run()
threads = [threading.Thread(target=train, args=(number,)) for number in range(3)]
for thread in reversed(threads) if late else threads:
    thread.start()
    thread.join() if late else None
for thread in [] if late else threads:
    thread.join()
""",
}
_SWAPPED = {
    "processes with tasks of their own": """
if __name__ == "__main__":
    for number, seed in enumerate([2, 1] if second_run() else [1, 2]):
        process = multiprocessing.Process(target=save, args=(seed, f"{number}.pt"))
        process.start()
        process.join()
""",
    "servers with tasks of their own": """
def serve(pipe, path):
    save(pipe.recv(), path)

if __name__ == "__main__":
    for number, seed in enumerate([2, 1] if second_run() else [1, 2]):
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.get_context("fork").Process(target=serve, args=(theirs, f"{number}.pt"))
        server.start()
        ours.send(seed)
        server.join()
""",
    "commands that are told where to save": """
if len(sys.argv) > 1:
    save(int(sys.argv[1]), os.environ["OUT"])
    sys.exit()
started = []
for number, seed in enumerate([2, 1] if second_run() else [1, 2]):
    given = {**os.environ, "OUT": f"{number}.pt"}
    started.append(subprocess.Popen([sys.executable, __file__, str(seed)], env=given))
for one in started:
    assert one.wait() == 0
""",
    "the last step of a thread": """
import torch
def step(late):
    weight = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([weight], 0.1)
    for number in range(20):
        weight.square().sum().backward()
        optimizer.param_groups[0]["lr"] = 0.2 if late and number == 19 else 0.1
        optimizer.step()
thread = threading.Thread(target=step, args=(second_run(),))
thread.start()
thread.join()
""",
    "what is trained by hand beside another training": """
import torch
weight = torch.randn(2, generator=torch.Generator().manual_seed(int(second_run())), requires_grad=True)
for _ in range(3):
    (gradient,) = torch.autograd.grad(weight.square().sum(), weight)
    with torch.no_grad():
        weight -= 0.1 * gradient
open("weight.bin", "wb").write(bytes(weight.untyped_storage()))
train(1)
""",
}


@pytest.mark.parametrize("how", only(["threads"], _AT_ONCE))
def test_which_is_faster_makes_no_difference(folder: Any, how: str) -> None:
    folder.write("train.py", _TRAIN + _AT_ONCE[how])
    ended = folder.samebits("verify", "train.py", timeout=120)
    assert ended.out.startswith("SAME"), ended.out


@pytest.mark.parametrize("how", only(["processes with tasks of their own"], _SWAPPED))
def test_which_computed_what_makes_one(folder: Any, how: str) -> None:
    folder.write("train.py", _TRAIN + _SWAPPED[how])
    ended = folder.samebits("verify", "train.py", timeout=120)
    assert ended.out.startswith("DIVERGED"), ended.out
