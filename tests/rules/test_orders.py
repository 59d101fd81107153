"""Orders of finishing, of libraries' tables and of addresses."""

from __future__ import annotations

import pytest
from tests.rules.one_rule import lines, mended

FUTURES = "from concurrent.futures import ThreadPoolExecutor, as_completed\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (FUTURES + "rows = [f.result() for f in as_completed(fs)]\nx = rows[1]\n", 2),
        (FUTURES + "def f(fs):\n    for x in as_completed(fs):\n        yield x.result()\n", 3),
        (FUTURES + "rows = []\nfor f in as_completed(fs):\n    rows.append(f.result())\nsave(rows)\n", 3),
        ("import concurrent.futures as c\nfor f in c.as_completed(fs):\n    rows.append(f.result())\n", 2),
        ("from tqdm import tqdm\n" + FUTURES + "for f in tqdm(as_completed(fs)):\n    rows.append(f)\n", 3),
        (
            "import asyncio\nasync def f():\n    for x in asyncio.as_completed(ts):\n"
            "        rows.append(await x)\n",
            3,
        ),
        ("def f(pool):\n    return list(pool.imap_unordered(work, items))\n", 2),
        ("for r in pool.imap_unordered(work, items):\n    out.write(r)\n", 1),
        ("for r in pool.imap_unordered(work, items):\n    ids[r] = len(ids)\n", 1),
        (
            "from torch.utils.data import DataLoader\n"
            "loader = DataLoader(d, num_workers=4, in_order=False)\n",
            2,
        ),
        ("rows = []\nfor x in xs:\n    pool.apply_async(work, (x,), callback=rows.append)\nsave(rows)\n", 3),
        (
            "rows = []\ndef keep(r):\n    rows.append(r)\nfor x in xs:\n"
            "    pool.apply_async(work, (x,), callback=keep)\nsave(rows)\n",
            5,
        ),
        (
            "import threading\nrows = []\ndef work(x):\n    rows.append(x + 1)\n"
            "ts = [threading.Thread(target=work, args=(x,)) for x in xs]\nsave(rows)\n",
            5,
        ),
        (
            (
                "from concurrent.futures import wait\ndone, _ = wait(fs)\nfor f in done:\n"
                "    rows.append(f.result())\n"
            ),
            2,
        ),
    ],
)
def test_the_order_of_finishing_is_found(text: str, line: int) -> None:
    assert lines("completion-order", text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        FUTURES + "for f in as_completed(fs):\n    out[fs[f]] = f.result()\n",
        (
            FUTURES + "rows = {}\nfor f in as_completed(fs):\n    rows[fs[f]] = f.result()\n"
            "x = [rows[i] for i in ids]\n"
        ),
        FUTURES + "rows = []\nfor f in as_completed(fs):\n    rows.append(f.result())\nrows.sort()\n",
        FUTURES + "rows = [f.result() for f in as_completed(fs)]\nrows = sorted(rows)\nx = rows[1]\n",
        FUTURES + "for _ in as_completed(fs):\n    bar.update(1)\nrows = [f.result() for f in fs]\n",
        FUTURES + "for i, f in enumerate(as_completed(fs)):\n    print(i, f.result())\n",
        "n = sum(1 for _ in pool.imap_unordered(work, items))\n",
        "done = set(pool.imap_unordered(work, items))\n",
        "rows = sorted(pool.imap_unordered(work, items))\nx = rows[1]\n",
        "rows = list(pool.imap(work, items))\nx = rows[1]\n",
        "from torch.utils.data import DataLoader\nloader = DataLoader(d, num_workers=0, in_order=False)\n",
        "from torch.utils.data import DataLoader\nloader = DataLoader(d, num_workers=4, in_order=True)\n",
        "rows = []\nfor x in xs:\n    pool.apply_async(work, (x,), callback=rows.append)\nrows.sort()\n",
        "rows = [pool.apply_async(work, (x,)) for x in xs]\nx = [r.get() for r in rows]\n",
        (
            "import threading\ndef work(x):\n    rows = []\n    rows.append(x)\n"
            "ts = [threading.Thread(target=work) for x in xs]\n"
        ),
        (
            "import threading\nrows = []\ndef work():\n    rows.append(1)\n"
            "threading.Thread(target=work).start()\n"
        ),
        "from mine import as_completed\nrows = [f for f in as_completed(fs)]\n",
    ],
)
def test_the_order_of_finishing_is_not_claimed(text: str) -> None:
    assert lines("completion-order", text) == []


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        (
            "for r in pool.imap_unordered(f, xs):\n    rows.append(r)\n",
            "for r in pool.imap(f, xs):\n    rows.append(r)\n",
        ),
        (
            FUTURES + "fs = [p.submit(f, x) for x in xs]\nrows = [f.result() for f in as_completed(fs)]\n",
            FUTURES + "fs = [p.submit(f, x) for x in xs]\nrows = [f.result() for f in fs]\n",
        ),
        (
            "from torch.utils.data import DataLoader\nx = DataLoader(d, num_workers=4, in_order=False)\n",
            "from torch.utils.data import DataLoader\nx = DataLoader(d, num_workers=4, in_order=True)\n",
        ),
    ],
)
def test_results_are_taken_in_order(text: str, becomes: str) -> None:
    assert mended("completion-order", text) == becomes
    assert lines("completion-order", becomes) == []


POLARS = "import polars as pl\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (POLARS + "f = pl.read_csv('a')\nx = f.group_by('u').agg(pl.len()).to_numpy()[:9]\n", 3),
        (POLARS + "def f(t: pl.DataFrame):\n    return t.unique()\n", 3),
        (
            POLARS + "f = pl.read_csv('a')\nf = f.filter(pl.col('a') > 0)\n"
            "ids = f['a'].unique().to_list()\nx = ids[2]\n",
            4,
        ),
        (POLARS + "ids = {n: i for i, n in enumerate(pl.read_csv('a')['b'].unique())}\n", 2),
        (
            POLARS + "f = pl.scan_csv('a')\n"
            "for row in f.group_by('u').agg(pl.len()).collect().iter_rows():\n"
            "    rows.append(row)\n",
            3,
        ),
        (POLARS + "f = pl.read_csv('a')\nfor key, part in f.group_by('u'):\n    rows.append(part)\n", 3),
        (
            POLARS + "f = pl.read_csv('a')\nc = f['b'].value_counts()\nclasses = c['b'].to_list()\n"
            "x = classes[1]\n",
            3,
        ),
        (POLARS + "f = pl.read_csv('a')\nf.unique('u').write_csv('b')\n", 3),
        (POLARS + "f = pl.read_csv('a')\nx = f.select(pl.col('b').unique()).to_series().to_list()[3]\n", 3),
        ("import polars\ndef load():\n    return polars.read_csv('a')\nx = load().unique().rows()[2]\n", 4),
        (
            "import polars as pl\nclass D:\n    def __init__(self):\n        self.f = pl.read_csv('a')\n"
            "    def g(self):\n        return self.f.unique()\n",
            6,
        ),
        (
            "import pyarrow as pa\nt = pa.table({'a': [1]})\n"
            "x = t.group_by('a').aggregate([]).to_pylist()[1]\n",
            3,
        ),
    ],
)
def test_a_tables_lost_order_is_found(text: str, line: int) -> None:
    assert lines("library-order", text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        (
            POLARS + "f = pl.read_csv('a')\n"
            "x = f.group_by('u', maintain_order=True).agg(pl.len()).to_numpy()[:9]\n"
        ),
        POLARS + "f = pl.read_csv('a')\nx = f.group_by('u').agg(pl.len()).sort('u').to_numpy()[:9]\n",
        (
            POLARS + "f = pl.read_csv('a')\ng = f.group_by('u').agg(pl.len())\ng = g.sort('u')\n"
            "x = g.rows()[1]\n"
        ),
        POLARS + "f = pl.read_csv('a')\nn = len(f['a'].unique())\n",
        POLARS + "f = pl.read_csv('a')\nn = f.unique().height\n",
        POLARS + "f = pl.read_csv('a')\nids = sorted(f['a'].unique())\nx = ids[1]\n",
        POLARS + "f = pl.read_csv('a')\nids = f['a'].unique().sort().to_list()\nx = ids[1]\n",
        POLARS + "f = pl.read_csv('a')\nknown = set(f['a'].unique().to_list())\n",
        (
            POLARS + "f = pl.read_csv('a')\nm = f.group_by('u').agg(pl.len())\n"
            "f = f.join(m, on='u', how='left')\nx = f.rows()[1]\n"
        ),
        "import pandas as pd\nf = pd.read_csv('a')\nx = f.groupby('u').mean().to_numpy()[:9]\n",
        "import pandas as pd\nf = pd.read_csv('a')\nids = f['a'].unique()\nx = ids[2]\n",
        POLARS + "import numpy as np\nids = np.unique(a)\nx = ids[2]\n",
        POLARS + "def f(t):\n    return t.unique()\n",
    ],
)
def test_a_tables_order_is_not_claimed(text: str) -> None:
    assert lines("library-order", text) == []


def test_a_table_keeps_its_order() -> None:
    text = POLARS + "f = pl.read_csv('a')\nx = f.group_by('u').agg(pl.len()).to_numpy()[:9]\n"
    becomes = mended("library-order", text)
    assert "f.group_by('u', maintain_order=True).agg" in becomes
    assert lines("library-order", becomes) == []


OBJECT = "class Step:\n    def __init__(self, p):\n        self.p = p\n"
TORCH = "import torch\nfrom torch import nn\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("items.sort(key=id)\n", 1),
        ("rows = sorted(items, key=lambda item: id(item))\n", 1),
        (OBJECT + "rows = sorted([Step(1), Step(2)], key=repr)\n", 4),
        (OBJECT + "def f(steps):\n    return sorted(steps, key=str)\nf([Step(1), Step(2)])\n", 5),
        (OBJECT + "steps = {Step(1), Step(2)}\nfor s in steps:\n    x = s(x)\n", 5),
        (OBJECT + "steps = {Step(i) for i in range(3)}\nrows = [s.p for s in steps]\n", 5),
        (TORCH + "def f(m):\n    for p in set(m.parameters()):\n        nn.init.normal_(p)\n", 4),
        (
            TORCH + "def f(m):\n    found = set()\n    for c in m.modules():\n        found.add(c)\n"
            "    return list(found)\n",
            7,
        ),
        (TORCH + "layers = {nn.Linear(2, 2) for _ in range(8)}\nmodel = nn.Sequential(*layers)\n", 4),
        (
            TORCH + "layers = set([nn.ReLU(), nn.Tanh()])\nfor i, l in enumerate(layers):\n"
            "    names[l] = i\n",
            4,
        ),
        ("import random\nrandom.seed(id(model))\n", 2),
        ("seed = id(self) % 1000\n", 1),
        (OBJECT + "bucket = hash(Step(1)) % 8\n", 4),
    ],
)
def test_an_order_of_addresses_is_found(text: str, line: int) -> None:
    assert lines("address-order", text) == [line]
    assert lines("hash-order", text) == []


@pytest.mark.parametrize(
    "text",
    [
        "seen = {}\nseen[id(x)] = x\nif id(y) in seen:\n    go()\n",
        (
            "seen = set()\nfor p in ps:\n    if id(p) not in seen:\n        seen.add(id(p))\n"
            "        rows.append(p)\n"
        ),
        "rows = sorted(items, key=lambda item: item.name)\n",
        (
            "from dataclasses import dataclass\n@dataclass\nclass Step:\n    p: int\n"
            "rows = sorted([Step(1)], key=repr)\n"
        ),
        (
            "class Step:\n    def __repr__(self):\n        return 'Step'\n"
            "rows = sorted([Step(), Step()], key=repr)\n"
        ),
        (
            "class Step:\n    def __hash__(self):\n        return 3\nfor s in {Step(), Step()}:\n"
            "    total += len(s.p)\n"
        ),
        "from mine import Base\nclass Step(Base):\n    pass\nrows = sorted([Step()], key=repr)\n",
        TORCH + "def f(m):\n    for p in set(m.parameters()):\n        p.requires_grad = False\n",
        TORCH + "def f(m):\n    return sum(p.numel() for p in set(m.parameters()))\n",
        TORCH + "def f(m):\n    for p in m.parameters():\n        nn.init.normal_(p)\n",
        (
            TORCH + "def f(m, skip):\n    skip = set(skip.modules())\n"
            "    return [c for c in m.modules() if c not in skip]\n"
        ),
        "print(id(x), hash(x))\n",
        "rows = sorted(names, key=str)\n",
    ],
)
def test_an_order_of_addresses_is_not_claimed(text: str) -> None:
    assert lines("address-order", text) == []


def test_a_set_of_objects_becomes_a_dict() -> None:
    text = TORCH + "def f(m):\n    for p in set(m.parameters()):\n        nn.init.normal_(p)\n"
    becomes = mended("address-order", text)
    assert "for p in dict.fromkeys(m.parameters()):" in becomes
    assert lines("address-order", becomes) == []


_NODE = "class Node:\n    def {name}(self, other):\n        return {test}\n"


@pytest.mark.parametrize(
    "test",
    ["id(self) < id(other)", "(self.cost, id(self)) < (other.cost, id(other))", "id(self) > id(other)"],
)
@pytest.mark.parametrize("name", ["__lt__", "__gt__"])
def test_a_comparison_of_addresses_is_found(name: str, test: str) -> None:
    assert lines("address-order", _NODE.format(name=name, test=test)) == [3]


@pytest.mark.parametrize(
    ("name", "test"),
    [
        ("__eq__", "id(self) == id(other)"),
        ("__lt__", "self.cost < other.cost"),
        ("__lt__", "id(self) == id(other) or self.cost < other.cost"),
        ("same", "id(self) < id(other)"),
        ("__lt__", "self.id() < other.id()"),
    ],
)
def test_another_comparison_is_not_claimed(name: str, test: str) -> None:
    assert lines("address-order", _NODE.format(name=name, test=test)) == []
