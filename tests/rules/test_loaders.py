"""Splits without a seed, loaders without a generator, and what the machine decides."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rules.one_rule import lines, mended

from samebits.audit import audit_paths

SPLIT = "from torch.utils.data import random_split\n"
SKLEARN = "from sklearn.model_selection import KFold, ShuffleSplit, train_test_split\n"
SEEDED = "import torch\nfrom torch.utils.data import DataLoader, RandomSampler\ntorch.manual_seed(0)\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SPLIT + "a, b = random_split(d, [8, 2])\n", 2),
        (SPLIT + "a, b = random_split(d, [8, 2], generator=None)\n", 2),
        ("import torch.utils.data as data\na, b = data.random_split(d, [8, 2])\n", 2),
        ("from torch.utils.data import random_split as cut\ndef f(d):\n    return cut(d, [8, 2])\n", 3),
        (SKLEARN + "a, b = train_test_split(rows, test_size=0.2)\n", 2),
        (SKLEARN + "a, b = train_test_split(rows, random_state=None)\n", 2),
        (SKLEARN + "folds = KFold(5, shuffle=True)\n", 2),
        (SKLEARN + "options = {'n_splits': 5}\nfolds = ShuffleSplit(**options)\n", 3),
        ("import sklearn.model_selection as ms\nfolds = ms.StratifiedShuffleSplit(\n    5,\n)\n", 2),
        ("from datasets import load_dataset\nd = load_dataset('x')\np = d.train_test_split(0.1)\n", 3),
    ],
)
def test_an_unseeded_split_is_found(text: str, line: int) -> None:
    assert lines("unseeded-split", text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        SPLIT + "a, b = random_split(d, [8, 2], generator=g)\n",
        SPLIT + "a, b = random_split(d, [8, 2], g)\n",
        SPLIT + "a, b = random_split(d, [8, 2], **options())\n",
        SKLEARN + "a, b = train_test_split(rows, random_state=3)\n",
        SKLEARN + "a, b = train_test_split(rows, shuffle=False)\n",
        (
            SKLEARN + "def f(rows, random_state=None):\n"
            "    return train_test_split(rows, random_state=random_state)\n"
        ),
        SKLEARN + "folds = KFold(5)\n",
        SKLEARN + "folds = KFold(5, shuffle=True, random_state=3)\n",
        SKLEARN + "options = {'n_splits': 5}\noptions['random_state'] = 3\nfolds = ShuffleSplit(**options)\n",
        SKLEARN + "folds = ShuffleSplit(**read())\n",
        "from mine import train_test_split\na, b = train_test_split(rows)\n",
        "from datasets import load_dataset\nd = load_dataset('x')\np = d.train_test_split(0.1, seed=3)\n",
        "d = mine()\np = d.train_test_split(0.1)\n",
        "def random_split(d):\n    return d[:8], d[8:]\na, b = random_split(d)\n",
    ],
)
def test_a_split_is_not_claimed(text: str) -> None:
    assert lines("unseeded-split", text) == []


@pytest.mark.parametrize(
    ("text", "has"),
    [
        (SPLIT + "a, b = random_split(d, [8, 2])\n", "[8, 2], generator=torch.Generator().manual_seed(0))"),
        (SKLEARN + "a, b = train_test_split(rows)\n", "train_test_split(rows, random_state=0)"),
        (SKLEARN + "f = KFold(5, shuffle=True, random_state=None)\n", "shuffle=True, random_state=0)"),
    ],
)
def test_a_split_gets_a_seed(text: str, has: str) -> None:
    becomes = mended("unseeded-split", text)
    assert has in becomes
    assert lines("unseeded-split", becomes) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SEEDED + "loader = DataLoader(d, 8, shuffle=True)\n", 4),
        (SEEDED + "loader = DataLoader(d, 8, True)\n", 4),
        (SEEDED + "loader = DataLoader(\n    d,\n    shuffle=True,\n    generator=None,\n)\n", 4),
        (SEEDED + "options = {'batch_size': 8}\nloader = DataLoader(d, shuffle=True, **options)\n", 5),
        (SEEDED + "options = {}\noptions.update({'shuffle': True})\nloader = DataLoader(d, **options)\n", 6),
        (SEEDED + "s = pick()\nloader = DataLoader(d, shuffle=(s is None), sampler=s)\n", 5),
        (SEEDED + "loader = DataLoader(d, sampler=RandomSampler(d))\n", 4),
        (SEEDED + "from torch.utils.data import DataLoader as DL\nloader = DL(d, shuffle=True)\n", 5),
        (SEEDED + "import torch_geometric.loader as pyg\nloader = pyg.DataLoader(d, shuffle=True)\n", 5),
        (SEEDED + "w = torch.utils.data.WeightedRandomSampler(weights, 9)\n", 4),
        (SEEDED + "mixed = True\nloader = DataLoader(d, shuffle=mixed)\n", 5),
    ],
)
def test_a_loader_without_a_generator_is_found(text: str, line: int) -> None:
    assert lines("loader-generator", text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        SEEDED + "loader = DataLoader(d, shuffle=True, generator=g)\n",
        SEEDED + "loader = DataLoader(d, 8)\n",
        SEEDED + "loader = DataLoader(d, shuffle=False)\n",
        SEEDED + "loader = DataLoader(d, sampler=s)\n",
        SEEDED + "loader = DataLoader(d, batch_sampler=s)\n",
        SEEDED + "loader = DataLoader(d, sampler=RandomSampler(d, generator=g))\n",
        SEEDED + "loader = DataLoader(d, shuffle=True, **read())\n",
        SEEDED + "options = {'generator': g}\nloader = DataLoader(d, shuffle=True, **options)\n",
        SEEDED + "def f(shuffle):\n    return DataLoader(d, shuffle=shuffle)\n",
        (
            "import torch\ntorch.manual_seed(0)\nclass DataLoader:\n    pass\n"
            "loader = DataLoader(d, shuffle=True)\n"
        ),
        # nothing repeats there, and another rule tells of it
        "from torch.utils.data import DataLoader\nloader = DataLoader(d, shuffle=True)\n",
    ],
)
def test_a_loader_is_not_claimed(text: str) -> None:
    assert lines("loader-generator", text) == []


def test_a_loader_gets_a_generator() -> None:
    becomes = mended("loader-generator", SEEDED + "loader = DataLoader(d, 8, shuffle=True)\n")
    assert "DataLoader(d, 8, shuffle=True, generator=torch.Generator().manual_seed(0))" in becomes
    assert lines("loader-generator", becomes) == []


@pytest.mark.parametrize(("seed", "found"), [("torch.manual_seed(0)", 1), ("pass", 0)])
def test_a_loader_of_another_file_is_found_where_the_program_seeds(
    tmp_path: Path, seed: str, found: int
) -> None:
    (tmp_path / "loaders.py").write_text(
        "from torch.utils.data import DataLoader\ndef train(d):\n    return DataLoader(d, shuffle=True)\n"
    )
    (tmp_path / "train.py").write_text(f"import torch\nimport loaders\n{seed}\nloaders.train(range(9))\n")
    audit = audit_paths([tmp_path], select=["loader-generator"], cache=False)
    assert len(audit.findings) == found


IMPORTS = "import os, torch\nfrom torch.utils.data import DataLoader\nfrom torchvision import transforms\n"
AUGMENTED = IMPORTS + "t = transforms.RandomCrop(28)\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (IMPORTS + "x = DataLoader(d, batch_size=8 * torch.cuda.device_count(), shuffle=True)\n", 4),
        (IMPORTS + "n = max(1, torch.cuda.device_count())\nx = DataLoader(d, 8 * n, shuffle=True)\n", 5),
        (AUGMENTED + "x = DataLoader(d, num_workers=os.cpu_count())\n", 5),
        (AUGMENTED + "n = min(8, os.cpu_count() // 2)\nx = DataLoader(d, num_workers=n)\n", 6),
        (AUGMENTED + "x = DataLoader(d, num_workers=len(os.sched_getaffinity(0)))\n", 5),
        (
            "from multiprocessing import cpu_count\nfrom torch.utils.data import DataLoader\nimport random\n"
            "class D:\n    def __getitem__(self, i):\n        return random.random()\n"
            "x = DataLoader(D(), num_workers=cpu_count())\n",
            7,
        ),
        ("import os\nfrom sklearn.model_selection import KFold\nfolds = KFold(n_splits=os.cpu_count())\n", 3),
        ("import os, torch\ntorch.manual_seed(os.cpu_count())\n", 2),
        ("import os, numpy as np\ns = np.random.SeedSequence(3).spawn(os.cpu_count())\n", 2),
        ("import torch\no = torch.optim.SGD(p, lr=0.1 * torch.cuda.device_count())\n", 2),
        (
            "import os, numpy as np\nfor part in np.array_split(x, os.cpu_count()):\n"
            "    y = np.random.rand(3)\n",
            2,
        ),
    ],
)
def test_what_the_machine_decides_is_found(text: str, line: int) -> None:
    assert lines("machine-dependent", text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        IMPORTS + "x = DataLoader(d, num_workers=os.cpu_count())\n",
        AUGMENTED + "x = DataLoader(d, num_workers=4)\n",
        IMPORTS + "x = DataLoader(d, batch_size=64 // torch.cuda.device_count(), shuffle=True)\n",
        IMPORTS + "x = DataLoader(d, batch_size=8 * torch.cuda.device_count())\n",
        (
            "import os\nfrom multiprocessing import Pool\nwith Pool(os.cpu_count()) as p:\n"
            "    x = p.map(f, rows)\n"
        ),
        "import os, numpy as np\nfor part in np.array_split(x, os.cpu_count()):\n    y.append(part.sum())\n",
        "import os\nprint(os.cpu_count())\n",
        "import torch\nif torch.cuda.device_count() > 1:\n    m = torch.nn.DataParallel(m)\n",
        "import torch\nworld = torch.cuda.device_count()\nmp.spawn(main, nprocs=world)\n",
        "import os, torch\ntorch.set_num_threads(os.cpu_count())\n",
        "from mine import cpu_count\nimport torch\ntorch.manual_seed(cpu_count())\n",
    ],
)
def test_what_the_machine_does_not_decide_is_not_claimed(text: str) -> None:
    assert lines("machine-dependent", text) == []
