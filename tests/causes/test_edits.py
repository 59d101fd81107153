"""The fix of each cause, made for the place: a program in, the program with the edits made out."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Sequence
from typing import Any

import pytest

from samebits.causes import CATALOGUE
from samebits.causes._edits import Draft, applied
from samebits.model import facts
from samebits.model.cause import Evidence
from samebits.model.divergence import Divergence
from samebits.model.events import Event
from samebits.model.facts import Detail, Draw, Fact, Save
from samebits.model.finding import Finding
from samebits.model.sites import Site

_FILE = "train.py"


def _line(source: str) -> int:
    """The line that ends with the mark, which is the finding's."""
    return next(n for n, line in enumerate(source.split("\n"), 1) if line.endswith("# here"))


def fact(kind: str, site: Site, *, process: str = "main", **detail: Any) -> Fact:
    return Fact(facts.made(kind, detail), site, 5, 0, process)


def mended(
    cause: str,
    source: str,
    rows: Sequence[tuple[str, dict[str, Any]]] = (),
    *,
    b: Sequence[tuple[str, dict[str, Any]]] | None = None,
    op: str = "aten::mul",
    others: dict[str, str] | None = None,
    about: type[Detail] | None = None,
) -> tuple[Finding, dict[str, str]]:
    """What a cause makes of a finding at the marked line, and the files with its edits made."""
    source = textwrap.dedent(source)
    site = Site(_FILE, _line(source))
    event = Event(5, "op", op, "forward", 1, 0, 1, site=site)
    sources = {_FILE: source, **(others or {})}
    evidence = Evidence(
        Divergence("value", 0, "main", 1, event, event),
        [fact(kind, detail.pop("site", site), **detail) for kind, detail in rows],
        [fact(kind, detail.pop("site", site), **detail) for kind, detail in (rows if b is None else b)],
        sources=sources,
        program=_FILE,
    )
    mend = CATALOGUE[cause].mend
    assert mend is not None
    subject = next((one.detail for one in evidence.a if type(one.detail) is about), None)
    found = mend(evidence, Finding(0.9, site, "why", "the general fix", subject=subject))
    for edit in found.edits:
        assert edit.file in sources
    texts = {
        file: applied(text, [edit for edit in found.edits if edit.file == file])
        for file, text in sources.items()
    }
    for text in texts.values():
        ast.parse(text)
    return found, texts


def _draw(generator: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "draw", {"generator": generator, "call": "random", "seeded": False, **more}


def _create(generator: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "create", {"generator": generator, "call": "made", "seeded": False, **more}


#: cause, the program, what its line left in the record, the lines that are new in the program.
CASES: dict[str, tuple[str, str, list[tuple[str, dict[str, Any]]], list[str]]] = {
    "the global generators, all that are missing": (
        "unseeded-python-random",
        """\
        import random
        import torch

        x = random.random()  # here
        """,
        [_draw("python")],
        ["random.seed(0)", "torch.manual_seed(0)"],
    ),
    "a generator whose seed comes too late": (
        "unseeded-torch-generator",
        """\
        import torch

        order = torch.randperm(64)  # here
        torch.manual_seed(42)
        """,
        [],
        ["torch.manual_seed(0)"],
    ),
    "numpy by the name that the file has, and the file's own seed": (
        "unseeded-numpy-random",
        """\
        import numpy as numeric
        import torch

        SEED = 42
        torch.manual_seed(SEED)


        def mixup():
            return numeric.random.beta(1, 1)  # here
        """,
        [_draw("numpy", count=100)],
        ["numeric.random.seed(SEED)"],
    ),
    "an import that is missing, with a name that is taken": (
        "unseeded-numpy-random",
        """\
        \"\"\"A docstring.\"\"\"
        from __future__ import annotations
        import torch
        from library import shuffled, random
        torch.manual_seed(0)
        np = 3
        rows = shuffled(np)  # here
        """,
        [_draw("numpy")],
        ["import numpy as _np", "_np.random.seed(0)"],
    ),
    "a generator made at a line that runs once": (
        "unseeded-numpy-random",
        """\
        import numpy as np
        import torch
        torch.manual_seed(0)

        def main():
            rng = np.random.default_rng()  # here
            return rng.normal()

        main()
        """,
        [_create("numpy.Generator")],
        ["    rng = np.random.default_rng(0)  # here"],
    ),
    "a generator made at a line that runs often": (
        "unseeded-numpy-random",
        """\
        import numpy as np
        import torch

        torch.manual_seed(0)

        def picture():
            rng = np.random.default_rng()  # here
            return rng.normal()

        images = [picture() for _ in range(96)]
        """,
        [_create("numpy.Generator", count=96)],
        [
            "import random",
            "SEEDS = random.Random(0)  # gives each generator a seed of its own",
            "    rng = np.random.default_rng(SEEDS.getrandbits(64))  # here",
        ],
    ),
    "a method's object is made once, and its seed is given in its signature": (
        "unseeded-python-random",
        """\
        import random
        import torch
        torch.manual_seed(0)

        class Words:
            def __init__(self):
                self.rng = random.Random()  # here

        words = Words()
        """,
        [_create("python.Random")],
        ["        self.rng = random.Random(0)  # here"],
    ),
    "a draw in a worker, from an object that is made elsewhere": (
        "unseeded-numpy-random",
        """\
        import numpy as np
        import torch
        torch.manual_seed(0)

        class Waves:
            def __init__(self):
                self.rng = np.random.default_rng()

            def __getitem__(self, i):
                return i + self.rng.standard_normal(3)  # here

        loader = torch.utils.data.DataLoader(Waves(), num_workers=2)
        """,
        [
            _draw("numpy.Generator", process="main/Process-1"),
            _create("numpy.Generator", site=Site(_FILE, 7)),
        ],
        ["        self.rng = np.random.default_rng(0)"],
    ),
    "generators that are made once get different seeds": (
        "unseeded-python-random",
        """\
        import random
        import torch
        torch.manual_seed(0)
        shift = random.SystemRandom()  # here
        noise = random.Random(None)
        """,
        [_create("python.Random"), _create("python.Random", site=Site(_FILE, 5))],
        ["shift = random.Random(0)  # here", "noise = random.Random(1)"],
    ),
    "a generator that asks the system": (
        "unseeded-torch-generator",
        """\
        import torch
        torch.manual_seed(1)
        generator = torch.Generator()
        generator.seed()  # here
        """,
        [("seed", {"generator": "torch.Generator", "call": "seed"})],
        ["generator.manual_seed(0)  # here"],
    ),
    "the seed that was asked for is used": (
        "unseeded-torch-generator",
        """\
        import torch
        torch.manual_seed(1)
        number = torch.Generator().seed()  # here
        """,
        [("seed", {"generator": "torch.Generator", "call": "seed"})],
        ["number = torch.Generator().manual_seed(0).initial_seed()  # here"],
    ),
    "torch.seed() in a loop": (
        "unseeded-torch-generator",
        """\
        import torch
        for restart in range(2):
            torch.seed()  # here
        """,
        [("seed", {"generator": "torch", "call": "torch.seed", "count": 2})],
        [
            "import random",
            "SEEDS = random.Random(0)  # gives each generator a seed of its own",
            "    torch.manual_seed(SEEDS.getrandbits(63))  # here",
            "torch.manual_seed(0)",
        ],
    ),
    "an environment's space": (
        "unseeded-numpy-random",
        """\
        import gymnasium as gym
        import torch
        torch.manual_seed(0)
        env = gym.make("Pendulum-v1")
        for t in range(120):
            action = env.action_space.sample()  # here
        """,
        [_draw("numpy.Generator", by="gymnasium.spaces.box.Box.sample")],
        ["env.action_space.seed(0)"],
    ),
    "a library's constructor": (
        "unseeded-python-random",
        """\
        import albumentations as A
        import torch
        torch.manual_seed(0)
        aug = A.Compose(  # here
            [A.HorizontalFlip(p=0.5), A.Normalize()],
        )
        """,
        [_create("python.Random", by="albumentations.core.composition.Compose")],
        ["    [A.HorizontalFlip(p=0.5), A.Normalize()], seed=0"],
    ),
    "a library's method": (
        "unseeded-numpy-random",
        """\
        import pandas as pd
        import torch
        torch.manual_seed(0)
        frame = pd.read_csv("rows.csv").sample(frac=1.0)  # here
        """,
        [_draw("numpy.RandomState", by="pandas.core.generic.NDFrame.sample")],
        ['frame = pd.read_csv("rows.csv").sample(frac=1.0, random_state=0)  # here'],
    ),
    "an estimator, where it is made": (
        "unseeded-numpy-random",
        """\
        from sklearn.cluster import KMeans
        import torch
        torch.manual_seed(0)
        model = KMeans(8)
        model.fit(torch.zeros(3, 3))  # here
        """,
        [_draw("numpy.RandomState", by="sklearn.cluster._kmeans.KMeans.fit")],
        ["model = KMeans(8, random_state=0)"],
    ),
    "a search over trials": (
        "unseeded-numpy-random",
        """\
        import optuna
        import torch

        def objective(trial):
            torch.manual_seed(0)
            return trial.suggest_float("lr", 1e-4, 1e-1)  # here

        study = optuna.create_study(sampler=optuna.samplers.TPESampler())
        study.optimize(objective, n_trials=8, n_jobs=2)
        """,
        [_draw("numpy.RandomState", by="optuna.trial._trial.Trial.suggest_float")],
        [
            "study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))",
            "study.optimize(objective, n_trials=8, n_jobs=1)",
        ],
    ),
    "a search that makes its sampler by itself": (
        "unseeded-numpy-random",
        """\
        import optuna
        import torch

        def objective(trial):
            torch.manual_seed(0)
            return trial.suggest_float("lr", 1e-4, 1e-1)  # here

        study = optuna.create_study(direction="minimize")
        study.optimize(objective, n_trials=8)
        """,
        [_draw("numpy.RandomState", by="optuna.trial._trial.Trial.suggest_float")],
        ['study = optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=0))'],
    ),
    "groups in their order": (
        "completion-order",
        """\
        import polars as pl
        rows = pl.DataFrame({"user": [1]}).group_by("user").agg(pl.len())  # here
        """,
        [],
        ['rows = pl.DataFrame({"user": [1]}).group_by("user", maintain_order=True).agg(pl.len())  # here'],
    ),
    "a set of texts": (
        "hash-order",
        """\
        words = set("a b".split())
        vocabulary = {word: i for i, word in enumerate(words)}  # here
        """,
        [("iteration", {"by": "hash"})],
        ["vocabulary = {word: i for i, word in enumerate(sorted(words))}  # here"],
    ),
    "a list of a set": (
        "hash-order",
        "classes = list(set(names))  # here\n",
        [("iteration", {"by": "hash"})],
        ["classes = sorted(set(names))  # here"],
    ),
    "pop of a set": (
        "hash-order",
        "def take(names):\n    name = names.pop()  # here\n    return name\n",
        [("iteration", {"by": "hash", "what": "pop"})],
        ["    name = min(names)  # here", "    names.remove(name)"],
    ),
    "the hash of a text": (
        "hash-order",
        "def bucket(x):\n    return hash(f'{x}=1') % 64  # here\n",
        [("hash", {"of": "str", "call": "hash"})],
        [
            "import hashlib",
            "    return int.from_bytes(hashlib.sha256(f'{x}=1'.encode()).digest()[:8], "
            '"little") % 64  # here',
        ],
    ),
    "a set of objects, where it is made": (
        "address-order",
        """\
        class Node:
            def __init__(self):
                self.inputs = set()

        nodes = [Node() for _ in range(9)]
        for node in nodes:
            node.inputs = {other for other in nodes}
            node.inputs.add(node)
        for node in nodes:
            print([other for other in node.inputs])  # here
        """,
        [("iteration", {"by": "address"})],
        [
            "        self.inputs = dict()",
            "    node.inputs = dict.fromkeys(other for other in nodes)",
            "    node.inputs.setdefault(node)",
        ],
    ),
    "a set of objects through a parameter and a function": (
        "address-order",
        """\
        def hard(samples):
            return {s for s in samples}

        def batches(pool):
            for sample in pool:  # here
                yield sample

        def main(samples):
            chosen = hard(samples)
            return list(batches(chosen))
        """,
        [("iteration", {"by": "address"})],
        ["    return dict.fromkeys(s for s in samples)"],
    ),
    "a set of objects, at the line of a function that makes it of a list": (
        "address-order",
        """\
        class Sample:
            loss = 0.0

        def samples():
            return [Sample() for _ in range(9)]

        def hard(every):
            return {s for s in every if s.loss < 1}  # here

        for sample in hard(samples()):
            print(sample)
        """,
        [("iteration", {"by": "address"})],
        ["    return dict.fromkeys(s for s in every if s.loss < 1)  # here"],
    ),
    "a set of objects without others": (
        "address-order",
        """\
        def split(model, plain, kept):
            return set(model.leaves()) - plain & kept  # here

        for p in split(model, plain, kept):
            use(p)
        """,
        [("iteration", {"by": "address"})],
        [
            "    return dict.fromkeys(each for each in model.leaves() if each not in plain and each in kept)"
            "  # here",
        ],
    ),
    "a set of objects for each key": (
        "address-order",
        """\
        def assign(points):
            groups = {number: set() for number in range(3)}  # here
            for point in points:
                groups[point.nearest].add(point)
            return groups
        """,
        [("iteration", {"by": "address"})],
        [
            "    groups = {number: dict() for number in range(3)}  # here",
            "        groups[point.nearest].setdefault(point)",
        ],
    ),
    "a set of objects, at the line that makes it": (
        "address-order",
        """\
        def nodes(model):
            found = set()
            found.add(model)
            found |= {model, model.head}  # elsewhere
            return found
        kept = {object() for _ in range(9)}  # here
        kept.discard(3)
        """,
        [],
        ["kept = dict.fromkeys(object() for _ in range(9))  # here", "kept.pop(3, None)"],
    ),
    "a thread that draws from the generator of all": (
        "completion-order",
        """\
        import threading
        import numpy as np

        def produce(out):
            out.append(np.random.randn(3))  # here

        threading.Thread(target=produce, args=([],)).start()
        """,
        [_draw("numpy")],
        [
            "OWN_GENERATOR = np.random.RandomState(1)  # drawn from here alone",
            "    out.append(OWN_GENERATOR.randn(3))  # here",
        ],
    ),
    "the address of an object as a number": (
        "address-order",
        "import os\n\ndef fold(patient):\n    return hash(patient) % 5  # here\n",
        [("hash", {"of": "object", "call": "hash"})],
        [
            "NUMBERS = {}  # object: its number, in the order in which they are first asked for",
            "    return NUMBERS.setdefault(patient, len(NUMBERS)) % 5  # here",
        ],
    ),
    "a listing": (
        "directory-order",
        "import os\nnames = [n for n in os.listdir('data') if n.endswith('.npy')]  # here\n",
        [],
        ["names = [n for n in sorted(os.listdir('data')) if n.endswith('.npy')]  # here"],
    ),
    "entries of a folder": (
        "directory-order",
        "import os\nfor entry in os.scandir('data'):  # here\n    print(entry.path)\n",
        [],
        ["for entry in sorted(os.scandir('data'), key=lambda entry: entry.name):  # here"],
    ),
    "a walk": (
        "directory-order",
        "import os\nfor root, folders, files in os.walk('data'):  # here\n    print(files)\n",
        [],
        ["    folders.sort()", "    files.sort()"],
    ),
    "futures as they finish": (
        "completion-order",
        """\
        from concurrent.futures import as_completed

        def collect(pool, work):
            futures = {pool.submit(work, n) for n in range(9)}
            for future in as_completed(futures, timeout=9):  # here
                yield future.result()
        """,
        [],
        [
            "    futures = dict.fromkeys(pool.submit(work, n) for n in range(9))",
            "    for future in futures:  # here",
        ],
    ),
    "a pool's results as they finish": (
        "completion-order",
        "def collect(pool, work):\n    return list(pool.imap_unordered(work, range(9)))  # here\n",
        [],
        ["    return list(pool.imap(work, range(9)))  # here"],
    ),
    "a seed that a configuration has not": (
        "unseeded-numpy-random",
        "import numpy as np\nimport torch\ntorch.manual_seed(0)\n"
        "rng = np.random.default_rng(cfg['seed'])  # here\n",
        [_create("numpy.Generator")],
        ["rng = np.random.default_rng(0 if cfg['seed'] is None else cfg['seed'])  # here"],
    ),
    "a line of several statements": (
        "unseeded-numpy-random",
        "import numpy as np, torch; torch.manual_seed(3); order = np.random.permutation(16)  # here\n",
        [_draw("numpy")],
        [
            "import numpy as np, torch; np.random.seed(0); torch.manual_seed(3); "
            "order = np.random.permutation(16)  # here"
        ],
    ),
    "a seed that a function was not given": (
        "unseeded-python-random",
        "import random\nimport torch\n\ndef set_seed(seed):\n    random.seed(seed)  # here\n"
        "    torch.manual_seed(0)\n\nset_seed(None)\n",
        [("seed", {"generator": "python", "call": "random.seed", "value": None})],
        ["    random.seed(0 if seed is None else seed)  # here"],
    ),
    "results of processes by a callback": (
        "completion-order",
        """\
        import multiprocessing

        def collect(work):
            rows = []
            with multiprocessing.Pool(2) as pool:
                for n in range(9):
                    pool.apply_async(work, (n,), callback=rows.append)  # here
                pool.close()
                pool.join()
            return rows
        """,
        [("completion", {"call": "Pool.apply_async"})],
        [
            "            rows.append(pool.apply_async(work, (n,)))  # here",
            "        rows[:] = [each.get() for each in rows]",
        ],
    ),
    "threads of a pool that share a generator": (
        "completion-order",
        """\
        from concurrent.futures import ThreadPoolExecutor
        import numpy as np
        rng = np.random.default_rng(0)

        def work(n):
            return rng.random() + n  # here

        with ThreadPoolExecutor(max_workers=4) as pool:
            rows = list(pool.map(work, range(9)))
        """,
        [],
        ["with ThreadPoolExecutor(max_workers=1) as pool:"],
    ),
    "distinct values of a library": (
        "library-order",
        "from kit import Table\nnames = Table().unique('tag')  # here\n",
        [],
        ["names = sorted(Table().unique('tag'))  # here"],
    ),
    "memory that a tensor grows by": (
        "uninitialized-memory",
        "import torch\nx = torch.zeros(4)\nx.resize_(8)  # here\n",
        [],
        ["size = x.numel()", "x.view(-1)[size:].zero_()"],
    ),
    "a seed from the clock": (
        "entropy-seed",
        "import time\nimport torch\ntorch.manual_seed(int(time.time() * 1000) % 2**32)  # here\n",
        [("clock", {"call": "time.time", "value": 3.5})],
        ["torch.manual_seed(0)  # here"],
    ),
    "seeds from the system, one a trial": (
        "entropy-seed",
        """\
        import os

        def trial_seed():
            return int.from_bytes(os.urandom(4), "little")  # here

        for trial in range(3):
            print(trial_seed())
        """,
        [("entropy", {"call": "os.urandom", "count": 3})],
        [
            "import random",
            "SEEDS = random.Random(0)  # gives each generator a seed of its own",
            '    return int.from_bytes(SEEDS.randbytes(4), "little")  # here',
        ],
    ),
    "a seed from a process id, in the workers of a loader": (
        "entropy-seed",
        """\
        import os
        import numpy as np
        import torch

        torch.manual_seed(0)

        def begin(worker):
            np.random.seed(os.getpid() + worker)  # here

        loader = torch.utils.data.DataLoader(range(9), num_workers=2, worker_init_fn=begin)
        """,
        [("entropy", {"call": "os.getpid", "process": "main/Process-1", "value": 7})],
        ["import random", "    np.random.seed(random.getrandbits(31) + worker)  # here"],
    ),
    "memory": (
        "uninitialized-memory",
        "import torch\nbias = torch.nn.Parameter(torch.Tensor(9 * 9))  # here\n",
        [],
        ["bias = torch.nn.Parameter(torch.zeros(9 * 9))  # here"],
    ),
    "memory of a type": (
        "uninitialized-memory",
        "def pad(first, n):\n    return first.new_empty(n, dtype=first.dtype)  # here\n",
        [],
        ["    return first.new_zeros(n, dtype=first.dtype)  # here"],
    ),
    "an extra draw": (
        "rng-drift",
        "import torch\nif preview:\n    z = torch.randn(3)  # here\n",
        [],
        ["    z = torch.randn(3, generator=torch.Generator().manual_seed(1))  # here"],
    ),
    "an extra draw at a line that may run often": (
        "rng-drift",
        """\
        import torch

        def sample(n):
            return torch.randn(n)  # here

        for epoch in range(3):
            sample(epoch)
        """,
        [],
        [
            "OWN_GENERATOR = torch.Generator().manual_seed(1)  # drawn from here alone",
            "    return torch.randn(n, generator=OWN_GENERATOR)  # here",
        ],
    ),
    "a loader that some runs iterate": (
        "rng-drift",
        """\
        import torch

        valid = torch.utils.data.DataLoader(range(9), batch_size=3)

        def accuracy(loader):
            for rows in loader:  # here
                print(rows)

        accuracy(valid)
        """,
        [],
        [
            "valid = torch.utils.data.DataLoader(range(9), batch_size=3, "
            "generator=torch.Generator().manual_seed(1))"
        ],
    ),
    "a draw that takes no generator": (
        "rng-drift",
        "import torch\nif preview:\n    out = torch.nn.functional.dropout(\n        x)  # here\n",
        [],
        [
            "import samebits",
            "    with samebits.isolated():",
            "        out = torch.nn.functional.dropout(",
            "            x)  # here",
        ],
    ),
    "an extra draw of Python's": (
        "rng-drift",
        "import random, time\n\ndef wait():\n    time.sleep(random.uniform(0, 1))  # here\n",
        [_draw("python")],
        [
            "OWN_GENERATOR = random.Random(1)  # drawn from here alone",
            "    time.sleep(OWN_GENERATOR.uniform(0, 1))  # here",
        ],
    ),
    "a loop that ends by the clock": (
        "wall-clock",
        """\
        import time
        start = time.monotonic()
        while time.monotonic() - start < 3:  # here
            print(1)
        """,
        [("clock", {"call": "time.monotonic", "count": 31})],
        ["for _ in range(30):  # here"],
    ),
    "a rate that follows the clock": (
        "wall-clock",
        """\
        import time

        class Anneal:
            def __init__(self):
                self.start = time.perf_counter()

            def step(self):
                return min(1.0, (time.perf_counter() - self.start) / 3)  # here
        """,
        [("clock", {"call": "time.perf_counter", "value": value}) for value in (2.0, 2.25, 2.5)],
        [
            "import itertools",
            "CLOCK = itertools.count(0, 0.25)  # goes on by each reading",
            "        self.start = next(CLOCK)",
            "        return min(1.0, (next(CLOCK) - self.start) / 3)  # here",
        ],
    ),
    "the fastest of several": (
        "autotuning",
        "best = max(speeds, key=speeds.get)  # here\n",
        [],
        ["best = next(iter(speeds))  # here"],
    ),
    "the fastest by its number": (
        "autotuning",
        "best = variants[times.index(min(times))]  # here\n",
        [],
        ["best = variants[0]  # here"],
    ),
    "tuning by a flag": (
        "autotuning",
        "import torch\ntorch.backends.cudnn.benchmark = True  # here\n",
        [],
        ["torch.backends.cudnn.benchmark = False  # here"],
    ),
    "threads that differ": (
        "environment-difference",
        "import os, torch\ntorch.set_num_threads(int(os.environ['CPUS']))  # here\n",
        [("threads", {"call": "torch.set_num_threads", "value": 2})],
        ["torch.set_num_threads(2)  # here"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_fix_is_made_for_the_place(name: str) -> None:
    cause, source, rows, new = CASES[name]
    source = textwrap.dedent(source)
    found, texts = mended(cause, source, [(kind, dict(detail)) for kind, detail in rows])
    before, after = source.split("\n"), texts[_FILE].split("\n")
    assert sorted(line for line in after if line not in before) == sorted(new)
    kept = [line for line in before if line in after]
    assert len(after) == len(kept) + len(new), "lines are changed or added, and none is lost"
    for line in new:
        assert line.strip() in found.fix


def test_a_setting_that_is_another_number_in_each_run_is_set() -> None:
    source = (
        "import hydra, torch\n@hydra.main()\ndef main(cfg):\n    torch.manual_seed(cfg.train.seed)  # here\n"
    )
    seeds = [("seed", {"generator": "torch", "value": n}) for n in (1, 2)]
    found, texts = mended("entropy-seed", source, seeds[:1], b=seeds[1:])
    assert texts[_FILE] == source
    assert found.fix.endswith("(seed=0)\nseed: 0")
    assert "cfg.train.seed, used at train.py:4" in found.fix


@pytest.mark.parametrize(
    "source",
    [
        "sets = {number: set() for number in range(4)}  # here\nfor own in sets.values():\n    own.add(1)\n",
        "members = {number: set() for number in range(4)}  # here\nmembers.update(others)\n",
        "members = {set(): number for number in range(4)}  # here\n",
        "rest = {p for p in model.parameters()} - norms  # here\nfor p in rest:\n    use(p)\n",
        "rest = set(model.parameters()) - set(norms)  # here\nfor p in rest:\n    use(p)\n",
        "rest = set(model.parameters()) | norms  # here\nfor p in rest:\n    use(p)\n",
    ],
)
def test_what_is_used_as_a_set_stays_one(source: str) -> None:
    found, texts = mended("address-order", source)
    assert (found.edits, texts[_FILE]) == ((), source)


def test_a_seed_of_numpys_has_32_bits() -> None:
    source = (
        "import numpy as np\ndef work(i):\n    np.random.seed()  # here\nfor i in range(3):\n    work(i)\n"
    )
    _, texts = mended("unseeded-numpy-random", source, [("seed", {"generator": "numpy", "value": None})] * 3)
    assert "np.random.seed(SEEDS.getrandbits(32))" in texts[_FILE]


def test_members_of_an_enum_are_sorted_by_their_texts() -> None:
    source = "from enum import Enum\nfor task in {Task.A, Task.B}:  # here\n    use(task)\n"
    rows = [("iteration", {"by": "hash", "order": 1, "content": 2, "n": 2})]
    _, texts = mended("hash-order", source, rows)
    assert "for task in sorted({Task.A, Task.B}, key=str):" in texts[_FILE]


def test_a_frameworks_own_call_that_comes_too_late_comes_first() -> None:
    source = (
        "import lightning as L\nimport torch\n\norder = torch.randperm(64)  # here\n"
        "L.seed_everything(42, workers=True)\n"
    )
    _, texts = mended("unseeded-torch-generator", source, [])
    lines = texts[_FILE].split("\n")
    assert lines[2] == "L.seed_everything(42, workers=True)"
    assert lines.count(lines[2]) == 2


@pytest.mark.parametrize(
    ("imports", "call"),
    [
        ("import transformers\nimport torch", "transformers.set_seed(0)"),
        ("import torch\nfrom transformers import Trainer", "transformers.set_seed(0)"),
        ("import torch\nimport lightning as L", "L.seed_everything(0)"),
        ("import torch\nimport numpy as np", "torch.manual_seed(0)"),
    ],
)
def test_a_program_of_a_framework_is_seeded_in_its_words(imports: str, call: str) -> None:
    _, texts = mended("unseeded-torch-generator", f"{imports}\n\norder = torch.randperm(64)  # here\n")
    lines = texts[_FILE].split("\n")
    assert call in lines[: lines.index("order = torch.randperm(64)  # here")]
    assert compile(texts[_FILE], _FILE, "exec")


def test_a_seed_comes_behind_the_imports_that_others_stand_among() -> None:
    source = (
        '"""Trains."""\nimport torch; import hashlib\ntorch.manual_seed(0)\nimport numpy as np; import os\n\n'
        "x = np.random.rand(3)  # here\n"
    )
    _, texts = mended("unseeded-numpy-random", source, [_draw("numpy", call="np.random.rand", seeded=False)])
    assert texts[_FILE].split("\n")[3:5] == ["import numpy as np; import os", "np.random.seed(0)"]
    assert texts[_FILE].count("import numpy") == 1


_AUGMENTS = {"augment.py": "import numpy as np\n\nFLIPS = np.random.rand(8)\n"}


@pytest.mark.parametrize(
    ("head", "others", "begins"),
    [
        ("import torch\nimport numpy as np\nimport augment", _AUGMENTS, [2, "np.random.seed(0)"]),
        ("import torch\nSEED = 3\nimport numpy as np\nimport augment", _AUGMENTS,
         [3, "np.random.seed(SEED)"]),
        ("import numpy, torch\nfrom augment import FLIPS", _AUGMENTS, [1, "numpy.random.seed(0)"]),
        ("import augment\nimport numpy as np", _AUGMENTS,
         [0, "import numpy as np\nimport torch\nnp.random.seed(0)"]),
        ("import torch\nimport augment\nimport numpy as np", _AUGMENTS,
         [0, "import numpy as np\nimport torch\nnp.random.seed(0)"]),
        ("import torch\n\nSIZE = 3\ndef size():\n    return SIZE\n\nimport numpy as np", {},
         [7, "np.random.seed(0)"]),
        ("import torch\nx = torch.randn(3)\nimport numpy as np", {},
         [0, "import numpy as np\nimport torch\nnp.random.seed(0)"]),
        ("import torch\nimport numpy.linalg", {}, [2, "numpy.random.seed(0)"]),
    ],
)  # fmt: skip
def test_a_seed_uses_the_import_that_there_is(head: str, others: dict[str, str], begins: list[Any]) -> None:
    """It comes before a module of the program that draws while it is loaded, and behind numpy's import."""
    name = "np" if "as np" in head else "numpy"
    source = f"{head}\n\nx = {name}.random.rand(3)  # here\n"
    draws = [_draw("numpy", site=Site("augment.py", 3))] if others else []
    _, texts = mended("unseeded-numpy-random", source, [*draws, _draw("numpy")], others=others)
    line, text = begins
    assert "\n".join(texts[_FILE].split("\n")[line:]).startswith(text)
    assert texts[_FILE].count("import numpy") == (2 if "import" in text else 1)


def test_a_number_for_a_seed_uses_the_import_before_its_line() -> None:
    source = """\
        import torch

        torch.set_num_threads(1)
        import random

        rng = random.SystemRandom()  # here
    """
    _, texts = mended("entropy-seed", source, [("entropy", {"call": "random.SystemRandom"})])
    assert texts[_FILE].count("import random") == 1


@pytest.mark.parametrize(
    ("line", "by", "generator", "parameter", "becomes"),
    [
        ("kit.Mixer(rows)", "kit.Mixer.__init__", "numpy.RandomState", "seed", "kit.Mixer(rows, seed=0)"),
        ("Mix(rows)", "kit.mix.Mix.__init__", "python.Random", "rng", "Mix(rows, rng=random.Random(0))"),
        ("mix(rows)", "kit.mix", "numpy.Generator", "rng", "mix(rows, rng=np.random.default_rng(0))"),
        ("mix(rows)", "kit.mix", "torch.Generator", "generator",
         "mix(rows, generator=torch.Generator().manual_seed(0))"),
        ("mix(rows)", "kit.mix", "numba", "generator", None),
        ("mix(rows, rng=None)", "kit.mix", "numpy.Generator", "rng", None),
        ("mix(rows, 3, None)", "kit.mix", "numpy.Generator", "rng", None),
        ("mix(*rows)", "kit.mix", "numpy.Generator", "rng", None),
        ("mix(**rows)", "kit.mix", "numpy.Generator", "rng", None),
        ("other(rows)", "kit.mix", "numpy.Generator", "rng", None),
    ],
)  # fmt: skip
def test_a_seed_by_the_signature_of_a_function(
    line: str, by: str, generator: str, parameter: str, becomes: str | None
) -> None:
    source = f"import torch, random\nimport numpy as np\nimport kit\n\nx = {line}  # here\n"
    cause = {"python": "python-random", "torch": "torch-generator"}.get(
        generator.partition(".")[0], "numpy-random"
    )
    made = ("create", {"generator": generator, "call": "make", "seeded": False, "id": 1, "by": by})
    takes = ("takes-seed", {"by": by, "parameter": parameter, "place": 3, "site": None})
    _, texts = mended(f"unseeded-{cause}", source, [made, takes])
    assert (f"x = {becomes}  # here" in texts[_FILE].split("\n")) == (becomes is not None)
    if becomes is None:
        assert all(line not in text for text in texts.values() for line in ("seed=0", "rng=n", "generator=t"))


def test_generators_of_a_sequence_without_entropy() -> None:
    source = (
        "from numpy.random import PCG64, Generator, SeedSequence\n\nroot = SeedSequence()\n"
        "streams = [Generator(PCG64(child)) for child in root.spawn(3)]  # here\n"
    )
    rows = [("create", {"generator": "numpy.Generator", "call": "numpy.random.PCG64", "seeded": False})]
    _, texts = mended("unseeded-numpy-random", source, rows)
    assert "root = SeedSequence(0)" in texts[_FILE].split("\n")
    given = source.replace("SeedSequence()", "SeedSequence(entropy)")
    _, texts = mended("unseeded-numpy-random", given, rows)
    assert "root = SeedSequence(entropy)" in texts[_FILE].split("\n")


@pytest.mark.parametrize(
    ("head", "added"),
    [
        ("@numba.njit", ["@numba.njit", "def seed_compiled(value):", "    np.random.seed(value)"]),
        (
            "@numba.jit(nopython=True)",
            ["@numba.jit(nopython=True)", "def seed_compiled(value):", "    np.random.seed(value)"],
        ),
        ("@numba.njit(parallel=True)", []),
    ],
)
def test_what_numba_compiles_is_seeded_by_what_it_compiles(head: str, added: list[str]) -> None:
    source = "import numba\nimport numpy as np\n\n\n"
    source += f"{head}\ndef walk(n):\n    return np.random.randint(0, n)  # here\n"
    found, texts = mended("unseeded-numpy-random", source, [_draw("numba")], about=Draw)
    lines = texts[_FILE].split("\n")
    assert bool(found.edits) == bool(added)
    if added:
        assert lines[4:7] == added
        assert lines[9].startswith("seed_compiled(0)  #")
        assert lines[12:14] == [head, "def walk(n):"]


def test_results_of_joblib_in_order() -> None:
    source = (
        "from joblib import Parallel, delayed\n\n"
        "run = Parallel(n_jobs=2, return_as='generator_unordered')  # here\n"
        "rows = list(run(delayed(work)(n) for n in range(9)))\n"
    )
    _, texts = mended("completion-order", source, [("completion", {"call": "joblib"})])
    assert 'run = Parallel(n_jobs=2, return_as="generator")  # here' in texts[_FILE]


def test_a_seed_that_a_library_reads_from_the_clock_is_given_by_its_signature() -> None:
    source = "import kit\n\nstream = kit.Stream(rows).shuffle(40)  # here\n"
    takes = ("takes-seed", {"by": "kit.Stream.shuffle", "parameter": "seed", "site": None})
    clock = ("clock", {"call": "time.time", "value": 1.5, "by": "kit.Stream.shuffle"})
    seed = (
        "create",
        {"generator": "python.Random", "call": "random.Random", "seeded": True, "value": 15, "id": 1},
    )
    _, texts = mended("entropy-seed", source, [takes, clock, seed])
    assert "stream = kit.Stream(rows).shuffle(40, seed=0)  # here" in texts[_FILE]


def test_a_kernel_is_replaced_at_the_start() -> None:
    source = "import torch\n\nx = torch.zeros(3)\nx.index_add_(0, i, y)  # here\n"
    _, texts = mended("nondeterministic-kernel", source, op="aten::put_")
    assert texts[_FILE].startswith("import samebits\nimport torch\nsamebits.deterministic()\n")
    _, texts = mended("nondeterministic-kernel", source, op="aten::cumsum")
    assert "torch.use_deterministic_algorithms(True, warn_only=True)" in texts[_FILE]


def test_a_seed_made_of_a_name_is_fixed_where_it_seeds() -> None:
    source = (
        "import uuid, zlib, torch\nname = uuid.uuid4().hex  # here\ntorch.manual_seed(zlib.crc32(name))\n"
    )
    seeds = [("seed", {"generator": "torch", "value": n, "site": Site(_FILE, 3)}) for n in (1, 2)]
    _, texts = mended("entropy-seed", source, seeds[:1], b=seeds[1:])
    assert texts[_FILE].split("\n")[1:3] == ["name = uuid.uuid4().hex  # here", "torch.manual_seed(0)"]


@pytest.mark.parametrize(
    ("cause", "source", "rows"),
    [
        # a line that the record's source does not have
        ("directory-order", "import os\nnames = helper('data')  # here\n", []),
        # a set that is used as a set
        (
            "address-order",
            "pool = {object() for _ in range(3)}\nrest = pool - set()\nfor one in pool:  # here\n"
            "    print(one)\n",
            [("iteration", {"by": "address"})],
        ),
        # a process that no seed of the program's start reaches
        (
            "unseeded-python-random",
            "import random\nfrom multiprocessing import Process\n\ndef work():\n"
            "    random.random()  # here\n\n"
            "Process(target=work).start()\n",
            [_draw("python", process="main/Process-1")],
        ),
        # threads that wait for each other
        (
            "completion-order",
            "import queue, threading\nq = queue.Queue()\nt = threading.Thread()\nt.start()  # here\n"
            "t.join()\n",
            [],
        ),
        # what has come is looked at before all has
        (
            "completion-order",
            "def collect(pool, work):\n    rows = []\n"
            "    pool.apply_async(work, callback=rows.append)  # here\n"
            "    print(len(rows))\n    pool.join()\n",
            [("completion", {"call": "Pool.apply_async"})],
        ),
        # the list holds other things, too
        (
            "completion-order",
            "def collect(pool, work):\n    rows = []\n    rows.append(work(0))\n"
            "    pool.apply_async(work, callback=rows.append)  # here\n    pool.join()\n",
            [("completion", {"call": "Pool.apply_async"})],
        ),
        # distinct values that are a column of a table
        ("library-order", "import cudf\nrows = frame['x'].unique()  # here\n", []),
        # numbers, not memory
        ("uninitialized-memory", "import torch\nx = torch.Tensor([1.0, 2.0])  # here\n", []),
    ],
)
def test_what_cannot_be_changed_without_doubt_keeps_its_general_fix(
    cause: str, source: str, rows: list[tuple[str, dict[str, Any]]]
) -> None:
    found, texts = mended(cause, source, rows)
    assert found.edits == ()
    assert found.fix == "the general fix"
    assert texts[_FILE] == source


@pytest.mark.parametrize("name", [name for name, cause in CATALOGUE.items() if cause.mend is not None])
@pytest.mark.parametrize(
    "source",
    [
        "",
        "def f(:",
        "\0",
        "x = 1\n",
        "(" * 300,
        "for x in f(g(x)): h(x)\nhash(\n1)",
        "match x:\n case y: z()\n",
    ],
)
def test_no_source_stops_a_mend(name: str, source: str) -> None:
    event = Event(5, "op", "aten::mul", "forward", 1, 0, 1)
    mend = CATALOGUE[name].mend
    assert mend is not None
    for line in (1, 2, 9):
        site = Site(_FILE, line)
        rows = [fact("hash", site, of="str"), fact("draw", site, generator="numpy", seeded=False)]
        evidence = Evidence(
            Divergence("value", 0, "main", 1, event, event), rows, rows, sources={_FILE: source}
        )
        for given in (site, None, Site("other.py", 1)):
            assert mend(evidence, Finding(0.9, given, "why", "fix")).why == "why"


def test_edits_are_whole_lines_and_those_of_one_line_are_one() -> None:
    draft = Draft(_FILE, "é = f(a, b)\nprint(\n    g(1),\n    g(2),\n)\n")
    first, *others = [node for node in ast.walk(draft.tree) if isinstance(node, ast.Call)]
    draft.wrap(first.args[0], "h(", ")")
    draft.replace(first.args[1], "c")
    draft.before(draft.statement(first), "import h")
    for call in others:
        if draft.source(call) == "g(2)":
            draft.keyword(call, "k", "3")
    found = draft.edits()
    assert [(edit.line, edit.replacement) for edit in found] == [
        (1, "import h\né = f(h(a), c)"),
        (4, "    g(2, k=3),"),
    ]


def test_a_line_that_held_a_secret_is_not_replaced() -> None:
    source = "import os\nlogin('<left out>'), [n for n in os.listdir('data')]  # here\n"
    found, _ = mended("directory-order", source)
    assert found.edits == ()


def test_edits_that_do_not_compile_are_dropped() -> None:
    draft = Draft(_FILE, "x = f(1)\n")
    assert isinstance(draft.tree.body[0], ast.Assign)
    draft.replace(draft.tree.body[0].value, "f(")
    assert draft.edits() == ()


def test_a_fix_in_words_names_files_and_lines() -> None:
    """Where no edit can be right without knowing what is wanted, the text is made for the place."""
    source = "import torch\nstate = torch.load('last.pt')  # here\ntorch.save({'model': 1}, 'last.pt')\n"
    rows = [
        ("load", {"call": "torch.load", "path": "last.pt"}),
        ("save", {"call": "torch.save", "path": "last.pt", "site": Site(_FILE, 3)}),
        ("probe", {"call": "os.path.exists", "path": "last.pt", "value": False}),
        ("file", {"path": "last.pt", "digest": 1}),
        _draw("python"),
    ]
    found, _ = mended("lost-rng-state", source, [(kind, dict(row)) for kind, row in rows])
    assert found.fix == (
        "# train.py:3, among what is saved (torch, Python and numpy draw):\n"
        '    "rng": samebits.capture_rng(),\n'
        "# train.py:2, after all is loaded:\n"
        'samebits.restore_rng(state["rng"])'
    )
    found, _ = mended("left-behind", source, [(kind, dict(row)) for kind, row in rows], about=Save)
    assert "last.pt is written at train.py:3 and found at train.py:2" in found.fix
    queue = "import queue\nq = queue.Queue()\nq.put(1)\nx = q.get()  # here\n"
    found, _ = mended("completion-order", queue, [("completion", {"call": "Queue.get"})])
    assert "# train.py:3: put each item with its number" in found.fix
    made = [_create("numpy.Generator", by="lib_aug.Aug")]
    found, _ = mended(
        "unseeded-numpy-random", "import torch\nfrom lib_aug import Aug\naug = Aug()  # here\n", made
    )
    assert "# train.py:3: lib_aug.Aug makes a generator of its own" in found.fix
    asked = "import os\nsize = int(os.environ.get('SIZE', '3'))  # here\n"
    found, _ = mended("environment-difference", asked, [("variable", {"name": "SIZE", "set": True})])
    assert found.fix == "export SIZE=...  # the same for both runs; train.py:2 reads it"
    found, _ = mended("data-difference", source, [(kind, dict(row)) for kind, row in rows])
    assert "# train.py:3 writes last.pt: write to another file than is read" in found.fix
