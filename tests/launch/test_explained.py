"""Programs whose draw, order or listing does not happen at a call of the program's own: cause, line and fix.

Each failed once, and shows one kind.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

_TRAIN = """
model = torch.nn.Linear(1, 1)
opt = torch.optim.SGD(model.parameters(), 1e-4)
for i in range(0, 64, 16):
    loss = model(x[i:i + 16]).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step()
"""
_LIBRARY = """\
import random
import numpy as np
class Table:
    def __init__(self, n): self.rows = list(range(n))
    def shuffle(self):
        np.random.shuffle(self.rows)
        return self
class Augment:
    def __init__(self, seed=None): self.rng = np.random.default_rng(seed)
    def __call__(self, x): return x * float(self.rng.uniform(.5, 1.5))
def shuffled(n):
    _, seed, pos, *_ = np.random.get_state()
    np.random.random()
    return np.random.default_rng(seed[pos % 624]).permutation(n)
"""
_HEAD = """\
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "site-packages"))
import torch
"""
PROGRAMS = {
    "a method of a library's object": (
        "unseeded-numpy-random",
        _HEAD + "import lib\ntorch.manual_seed(0)\ntable = lib.Table(64).shuffle()  # here\n"
        "x = torch.tensor(table.rows, dtype=torch.float32).reshape(64, 1)" + _TRAIN,
    ),
    "a library's own generator": (
        "unseeded-numpy-random",
        _HEAD + "import lib\ntorch.manual_seed(0)\naugment = lib.Augment()  # here\n"
        "x = augment(torch.arange(64.).reshape(64, 1))" + _TRAIN,
    ),
    "numpy's generators are loaded late": (
        "unseeded-numpy-random",
        "import os, sys\n" + _HEAD.split("\n", 1)[1] + "from lib import shuffled\ntorch.manual_seed(0)\n"
        "x = torch.arange(64.).reshape(64, 1)[shuffled(64)]  # here" + _TRAIN,
    ),
    "one's own generator is not the global one": (
        "unseeded-torch-generator",
        "import torch\ng = torch.Generator().manual_seed(3)\nx = torch.randn(64, 1, generator=g)\n"
        "x = x[torch.randperm(64)]  # here\ntorch.manual_seed(42)" + _TRAIN,
    ),
    "the n-th listing of one run is not the n-th of the other": (
        "entropy-seed",
        "import os, glob, torch\ntorch.manual_seed(0)\nos.makedirs('d', exist_ok=True)\n"
        "for i in range(4): open(f'd/p{i}.txt', 'w').write(str(i))\n"
        "order = sorted(range(4), key=lambda i: os.urandom(4))  # here\ntotal = torch.zeros(())\n"
        "for i in order:\n    (name,) = glob.glob(f'd/p{i}.*')\n"
        "    total = total * 3 + torch.tensor(float(os.path.basename(name)[1]))\n"
        "x = torch.arange(64.).reshape(64, 1) * total" + _TRAIN,
    ),
    "a set of objects that is iterated elsewhere": (
        "address-order",
        "import torch\ntorch.manual_seed(2)\nclass Node:\n    def __init__(self, v): self.v = v\n"
        "nodes = [Node(float(i)) for i in range(64)]\n"
        "chosen = {nodes[i * 7 % 64] for i in range(64)}  # here\n"
        "def gathered(nodes):\n    return [node.v for node in nodes]\n"
        "x = torch.tensor(gathered(chosen)).reshape(64, 1)" + _TRAIN,
    ),
    "two threads draw from one generator": (
        "completion-order",
        "import queue, threading, time, os\nimport numpy as np\nimport torch\n"
        "np.random.seed(0)\ntorch.manual_seed(0)\n"
        "def produce(out):\n    for _ in range(40):\n        out.put(np.random.randn(16, 1))  # here\n"
        "        time.sleep(int.from_bytes(os.urandom(1), 'big') / 60000)\n    out.put(None)\n"
        "ready = queue.Queue(maxsize=3)\n"
        "threading.Thread(target=produce, args=(ready,), daemon=True).start()\n"
        "model = torch.nn.Linear(1, 1)\nopt = torch.optim.SGD(model.parameters(), 1e-2)\n"
        "while (batch := ready.get()) is not None:\n    x = torch.from_numpy(batch).float()\n"
        "    mask = torch.from_numpy(np.random.rand(16, 1) < .8)  # also\n"
        "    loss = model(x * mask).pow(2).mean()\n    opt.zero_grad(); loss.backward(); opt.step()\n",
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_cause_and_the_line_are_named(folder: Any, name: str) -> None:
    cause, program = PROGRAMS[name]
    folder.write("site-packages/lib.py", _LIBRARY)
    folder.write("train.py", program)
    ended = folder.samebits("verify", "--level", "op", "--json", "-", "train.py")
    verdict = json.loads(ended.out)
    lines = [n for n, text in enumerate(program.splitlines(), 1) if "# here" in text or "# also" in text]
    assert verdict["verdict"] == "diverged", ended.err
    first = verdict["causes"][0]
    assert (first["name"], first["line"] in lines, first["confidence"] >= 0.8) == (cause, True, True), first


def test_a_fix_is_for_a_tool_to_make(folder: Any) -> None:
    """A generator that a function makes for each of many pictures: one for all, and as many pictures."""
    program = f"""\
import numpy as np
import torch
def picture():
    rng = np.random.default_rng()
    return rng.random(1)
torch.manual_seed(0)
x = torch.from_numpy(np.stack([picture() for _ in range(64)])).float()
{_TRAIN}
print(len(x.unique()))
"""
    file = folder.write("train.py", program)
    verdict = json.loads(folder.samebits("verify", "--level", "op", "--json", "-", "train.py").out)
    lines = program.splitlines()
    for edit in verdict["causes"][0]["edits"]:
        assert edit["file"] == "train.py"
        lines[edit["line"] - 1] = edit["replacement"]
    file.write_text("\n".join(lines), encoding="utf-8")
    verdict = json.loads(folder.samebits("verify", "--level", "op", "--json", "-", "train.py").out)
    assert verdict["verdict"] == "same"
    assert int(folder.samebits("run", "train.py").out) > 60


def test_what_samebits_reads_for_itself_is_no_value_of_the_program(folder: Any) -> None:
    """numpy is never seeded, and nothing draws from it: its state is captured, put back and checked."""
    program = f"""\
import samebits
import torch
torch.manual_seed(0)
x = torch.randn(64, 1)
{_TRAIN}
    with samebits.isolated():
        torch.randn(3)
state = samebits.capture_rng()
samebits.restore_rng(state)
"""
    folder.write("train.py", program)
    ended = folder.samebits("verify", "--level", "op", "--json", "-", "train.py")
    assert json.loads(ended.out)["verdict"] == "same", ended.err


def test_threads_may_compute_before_the_program_does(folder: Any) -> None:
    """The first operation of the first thread is one that is made of others."""
    program = f"""\
from concurrent.futures import ThreadPoolExecutor
import torch
with ThreadPoolExecutor(2) as pool:
    x = torch.stack(list(pool.map(lambda i: torch.full((1,), float(i)).sin(), range(64))))
torch.manual_seed(0)
{_TRAIN}"""
    folder.write("train.py", program)
    ended = folder.samebits("verify", "--level", "op", "--json", "-", "train.py")
    assert json.loads(ended.out)["verdict"] == "same", ended.err


_EVALUATES = """\
import torch
from torch.utils.data import DataLoader
torch.manual_seed(0)
x = torch.randn(64, 1)
model = torch.nn.Linear(1, 1)
opt = torch.optim.SGD(model.parameters(), 1e-4)
def evaluate():
    for rows in DataLoader(x, 32):
        model(rows).sum().item()
for epoch in range(2):
    for rows in DataLoader(x, 16, shuffle=True):
        opt.zero_grad(); model(rows).pow(2).mean().backward(); opt.step()
    GUARD
"""


@pytest.mark.parametrize(
    ("guard", "risks"),
    [("evaluate()", 1), ("with torch.random.fork_rng(devices=[]):\n        evaluate()", 0)],
)
def test_an_evaluation_is_a_risk_unless_the_generator_is_put_back(
    folder: Any, guard: str, risks: int
) -> None:
    folder.write("train.py", _EVALUATES.replace("GUARD", guard))
    verdict = json.loads(folder.samebits("verify", "--level", "op", "--json", "-", "train.py").out)
    assert (verdict["verdict"], len(verdict["risks"])) == ("same", risks), verdict["risks"]
