"""Programs whose streams are one, and programs whose streams only look so, and what is said of them."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from tests.deep import only

from samebits.compare.twins import Twins, twins, twins_between
from samebits.observe import observer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(observer.compiler() is None, reason="needs a C++ compiler"),
]

_HEAD = """\
import os, random, sys
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
random.seed(3); np.random.seed(3); torch.manual_seed(3)
torch.set_num_threads(1)
model = nn.Sequential(nn.Linear(1, 4), nn.Dropout(.5), nn.Linear(4, 1))
opt = torch.optim.SGD(model.parameters(), lr=.01)
def step(x):
    opt.zero_grad(); model(x.float().reshape(-1, 1)).pow(2).mean().backward(); opt.step()
class Samples(Dataset):
    def __init__(self):
        self.rng, self.torch = np.random.default_rng(0), torch.Generator().manual_seed(0)
    def __len__(self): return 8
    def __getitem__(self, i): return GET
"""
_ALL = "i + random.random() + np.random.rand() + torch.rand(1)"
_OWN = f"{_ALL} + self.rng.random() + torch.rand(1, generator=self.torch)"
_EPOCHS = "for epoch in range(3):\n    for x in loader: step(x)\n"


def program(rest: str, get: str = "float(i)") -> str:
    return _HEAD.replace("GET", get) + rest


def loader(extra: str = "") -> str:
    return f"loader = DataLoader(Samples(), batch_size=2, num_workers=2{extra})\n"


_ORDER = """\
data = torch.arange(8.)
for epoch in range(3):
    order = np.random.RandomState(0).permutation(8)
    for i in range(0, 8, 2): step(data[order[i:i + 2]])
"""
_SEEDED = """\
data = torch.arange(8.)
for epoch in range(3):
    torch.manual_seed(0)
    for i in range(0, 8, 2): step(data[i:i + 2])
"""
_FORKED = """\
import multiprocessing
context = multiprocessing.get_context("fork"); queue = context.SimpleQueue()
def work(): queue.put(float(np.random.rand()))
started = [context.Process(target=work) for _ in range(2)]
for process in started: process.start()
x = torch.tensor([queue.get() for _ in started])
for process in started: process.join()
for _ in range(3): step(x)
"""


def by_init(seed: str) -> str:
    return f"def init(w): {seed}\n" + loader(", worker_init_fn=init") + _EPOCHS


#: What is found, of which generator, in which program.
FOUND = {
    "a numpy.Generator of the dataset": (
        ("workers", "numpy.Generator"),
        program(loader() + _EPOCHS, "i + self.rng.random()"),
    ),
    "a torch.Generator of the dataset": (
        ("workers", "torch.Generator"),
        program(loader() + _EPOCHS, "i + torch.rand(1, generator=self.torch)"),
    ),
    "torch.manual_seed(0) in worker_init_fn": (
        ("workers", "torch"),
        program(by_init("torch.manual_seed(0)"), "i + torch.rand(1)"),
    ),
    "the worker's number for a seed": (
        ("epochs", "numpy"),
        program(by_init("np.random.seed(w)"), "i + np.random.rand()"),
    ),
    "a generator that is made for each sample": (
        ("epochs", "numpy.Generator"),
        program(loader() + _EPOCHS, "i + np.random.default_rng(0).random()"),
    ),
    "a seed for every epoch": (("epochs", "torch"), program(_SEEDED)),
    "an order that is drawn for every epoch": (("epochs", "numpy.RandomState"), program(_ORDER)),
    "forked processes": (("processes", "numpy"), program(_FORKED)),
}

_STREAM = """\
class Stream(IterableDataset):
    def __iter__(self):
        one = get_worker_info()
        g = torch.Generator().manual_seed(3)
        for i in ORDER:
            yield VALUE
for x in DataLoader(Stream(), batch_size=4, num_workers=2): step(x)
"""


def stream(order: str, value: str) -> str:
    """A program whose workers iterate."""
    kinds = "from torch.utils.data import IterableDataset, get_worker_info\n"
    return program(kinds + _STREAM.replace("ORDER", order).replace("VALUE", value))


FOUND["workers that each give every sample"] = (
    ("workers", "torch.Generator"),
    stream("range(16)", "torch.randn(1, generator=g)"),
)

_VALIDATES = """\
data = torch.arange(8.)
for epoch in range(3):
    for i in range(4): step(data[torch.randperm(8)[:2]])
    rng, g = np.random.default_rng(0), torch.Generator().manual_seed(0)
    with torch.no_grad():
        print(model(torch.randn(4, 1, generator=g) + rng.random()).sum().item())
"""

SILENT = {
    "torch seeds the workers": program(loader() + _EPOCHS, _ALL),
    "SeededLoader": program(
        "from samebits.data import SeededLoader\n"
        "loader = SeededLoader(Samples(), batch_size=2, shuffle=True, seed=1, num_workers=2)\n" + _EPOCHS,
        _OWN,
    ),
    "SeededLoader without workers": program(
        "from samebits.data import SeededLoader\n"
        "loader = SeededLoader(Samples(), batch_size=2, shuffle=True, seed=1)\n" + _EPOCHS,
        _OWN,
    ),
    "loader_kwargs": program(
        "from samebits.data import loader_kwargs\n" + loader(", **loader_kwargs(1)") + _EPOCHS, _OWN
    ),
    "a validation loader with a generator anew": program(
        "train = DataLoader([float(i) for i in range(8)], batch_size=2, shuffle=True)\n"
        "for epoch in range(3):\n    for x in train: step(x)\n"
        "    g = torch.Generator(); g.manual_seed(0)\n    with torch.no_grad():\n"
        "        val = DataLoader(Samples(), batch_size=2, shuffle=True, num_workers=2, generator=g)\n"
        "        print(sum(model(x.float().reshape(-1, 1)).sum().item() for x in val))\n",
        _OWN,
    ),
    "validation by a generator anew": program(_VALIDATES),
    "workers that share out what they shuffle": stream(
        "torch.randperm(32, generator=g)[one.id::one.num_workers]", "float(i) * torch.ones(1)"
    ),
    "samples by their index": program(
        loader() + _EPOCHS,
        "i + np.random.default_rng(i).random() + torch.rand(1, generator=self.torch.manual_seed(i))",
    ),
    "trials that are seeded alike": program(
        loader() + "for lr in (.1, .01):\n    random.seed(0); np.random.seed(0); torch.manual_seed(0)\n"
        "    model = nn.Sequential(nn.Linear(1, 4), nn.Dropout(.5), nn.Linear(4, 1))\n"
        "    opt = torch.optim.SGD(model.parameters(), lr=lr)\n    for x in loader: step(x)\n",
        _ALL,
    ),
    "an image and its mask by one seed": program(
        loader() + _EPOCHS,
        "sum(x + random.random() for s in [random.random()] for x in (i, i) if not random.seed(s))",
    ),
}


def recorded(folder: Any, text: str, *words: str) -> Any:
    folder.write("train.py", text)
    ended = folder.samebits("record", *(words or ("train.py",)))
    assert ended.code == 0, ended.err
    return folder.last()


@pytest.mark.parametrize(
    "name",
    only(
        [
            "torch.manual_seed(0) in worker_init_fn",
            "a seed for every epoch",
            "workers that each give every sample",
        ],
        FOUND,
    ),
)
def test_streams_that_are_one_are_found(folder: Any, name: str) -> None:
    (kind, generator), text = FOUND[name]
    (found,) = twins(recorded(folder, text))
    assert (found.kind, found.generator) == (kind, generator), found
    assert found.site is not None
    line = text.splitlines()[found.site.line - 1]
    assert any(word in line for word in ("def __getitem__", "yield", "model(", "permutation", "rand()")), line


@pytest.mark.parametrize(
    "name",
    only(
        ["SeededLoader", "validation by a generator anew", "workers that share out what they shuffle"], SILENT
    ),
)
def test_streams_that_only_look_so_are_not(folder: Any, name: str) -> None:
    assert twins(recorded(folder, SILENT[name])) == ()


def test_they_are_said_with_a_verdict(folder: Any) -> None:
    """Also at level "step", where no operation is recorded: what a seed is followed by is looked at."""
    folder.write("train.py", FOUND["a seed for every epoch"][1])
    ended = folder.samebits("verify", "--level", "step", "--json", "-", "train.py")
    verdict = json.loads(ended.out)
    (risk,) = verdict["risks"]
    assert verdict["verdict"] == "same"
    assert risk == (
        "one state of torch's generator was given again and again at train.py:19 and drew the same numbers "
        "at train.py:11: they repeat from epoch to epoch"
    )


_RESUMED = (
    _HEAD.replace("GET", "float(i)")
    + """\
saved = "last.pt"
loader = DataLoader(Samples(), batch_size=2, shuffle=True)
if os.path.exists(saved):
    state = torch.load(saved)
    model.load_state_dict(state["model"])
    if "put-back" in sys.argv: torch.set_rng_state(state["rng"])
for x in loader: step(x)
torch.save({"model": model.state_dict(), "rng": torch.get_rng_state()}, saved)
"""
)


@pytest.mark.parametrize(("words", "found"), [([], True), (["put-back"], False)])
def test_a_run_that_goes_on_draws_as_it_began(folder: Any, words: list[str], found: bool) -> None:
    first = recorded(folder, _RESUMED)
    second = recorded(folder, _RESUMED, "train.py", *words)
    said = twins_between(first, second)
    assert bool(said) == found, said
    if found:
        assert {one.kind for one in said} == {"restarts"}
        assert "torch" in {one.generator for one in said}
    assert twins_between(first, first) == ()


_RANKS = """\
import random, sys, time
import torch, torch.distributed as dist
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.distributed import DistributedSampler
from torch.nn.parallel import DistributedDataParallel
class Samples(Dataset):
    def __len__(self): return 16
    def __getitem__(self, i): return i + DRAW
def main():
    dist.init_process_group("gloo")
    torch.set_num_threads(1)
    random.seed(0); torch.manual_seed(0)
    net = DistributedDataParallel(nn.Sequential(nn.Linear(1, 8), nn.Dropout(DROP), nn.Linear(8, 1)))
    opt = torch.optim.SGD(net.parameters(), lr=.001)
    sampler = DistributedSampler(Samples())
    loader = DataLoader(Samples(), batch_size=2, sampler=sampler, num_workers=WORKERS)
    if APART: random.seed(dist.get_rank()); torch.manual_seed(dist.get_rank())
    for epoch in range(2):
        sampler.set_epoch(epoch)
        for x in loader:
            opt.zero_grad(); net(x.float().reshape(-1, 1)).square().mean().backward(); opt.step()
    dist.barrier()
    dist.destroy_process_group()
    time.sleep(0.5)
main()
"""
_TORCHRUN = (
    "--",
    sys.executable,
    "-m",
    "torch.distributed.run",
    "--standalone",
    "--nproc-per-node",
    "2",
    "train.py",
)


@pytest.mark.parametrize(
    ("draw", "drop", "workers", "apart", "kinds"),
    only(
        [("random.random()", ".5", "0", "False", {"python", "torch"})],
        [
            ("random.random()", ".5", "0", "False", {"python", "torch"}),
            ("torch.rand(1)", "0.", "2", "False", {"torch"}),
            ("0.", "0.", "2", "False", set()),  # the sampler shuffles alike, and shares out
            ("random.random()", ".5", "2", "True", set()),
        ],
    ),
)
def test_ranks(folder: Any, draw: str, drop: str, workers: str, apart: str, kinds: set[str]) -> None:
    text = (
        _RANKS.replace("DRAW", draw).replace("DROP", drop).replace("WORKERS", workers).replace("APART", apart)
    )
    found: tuple[Twins, ...] = twins(recorded(folder, text, *_TORCHRUN))
    assert {one.generator for one in found} == kinds, found
    assert {one.kind for one in found} <= {"ranks"}
