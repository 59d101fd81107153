"""Seeds in source: late, repeated, unused, alike in workers; and what evaluation draws."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rules.one_rule import findings, lines, mended

from samebits.audit import audit_paths
from samebits.causes._edits import UnclearPlace

HEAD = """import random, torch
import numpy as np
from torch import nn
from torch.utils.data import DataLoader
"""
TRAIN = "net = nn.Linear(4, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
LOOP = "for step in range(9):\n    net(torch.ones(4)).sum().backward()\n    opt.step()\n"


def of(rule: str, text: str) -> list[str]:
    """The lines of the text, without the head, at which the rule finds something."""
    every = (HEAD + text).splitlines()
    return [every[number - 1].strip() for number in lines(rule, HEAD + text)]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        (TRAIN + "torch.manual_seed(0)\n" + LOOP, "net = nn.Linear(4, 1)"),
        ("order = np.random.permutation(9)\nnp.random.seed(1)\n", "order = np.random.permutation(9)"),
        ("random.shuffle(rows)\nrandom.seed(1)\nrandom.random()\n", "random.shuffle(rows)"),
        (
            "def make():\n    return nn.Linear(2, 2)\ndef main():\n    net = make()\n"
            "    torch.manual_seed(1)\n    torch.optim.SGD(net.parameters())\nmain()\n",
            "return nn.Linear(2, 2)",
        ),
        (
            "def seed_it(n):\n    np.random.seed(n)\nx = np.random.rand(3)\nseed_it(3)\n"
            "y = np.random.rand(3)\n",
            "x = np.random.rand(3)",
        ),
        (
            "class Run:\n    def __init__(self):\n        self.net = nn.Linear(2, 2)\n"
            "        torch.manual_seed(1)\n"
            "        self.opt = torch.optim.SGD(self.net.parameters())\nRun()\n",
            "self.net = nn.Linear(2, 2)",
        ),
        (
            "noise = np.random.normal(size=3)\nfrom transformers import set_seed\nset_seed(3)\n",
            "noise = np.random.normal(size=3)",
        ),
        ("torch.nn.init.normal_(w)\ntorch.manual_seed(3)\nw.backward()\n", "torch.nn.init.normal_(w)"),
    ],
)
def test_a_seed_that_comes_late(text: str, at: str) -> None:
    assert of("late-seed", text) == [at]


@pytest.mark.parametrize(
    "text",
    [
        "torch.manual_seed(0)\n" + TRAIN + LOOP,
        "def main():\n    set_up()\n    net = nn.Linear(2, 2)\n    torch.optim.SGD(net.parameters())\n"
        "def set_up():\n    torch.manual_seed(1)\nmain()\n",
        "if seed is not None:\n    torch.manual_seed(seed)\n" + TRAIN + LOOP,
        "loader = DataLoader(rows, shuffle=True)\ntorch.manual_seed(1)\nfor row in loader:\n"
        "    row.backward()\n",
        "if args.seed is None:\n    args.seed = random.randint(1, 10000)\nrandom.seed(args.seed)\n"
        "random.shuffle(rows)\n",
        "seed = random.randrange(2**32)\nrandom.seed(seed)\nrandom.shuffle(rows)\n",
        "rng = np.random.default_rng(3)\nx = rng.random(3)\nnp.random.seed(1)\ny = np.random.rand(3)\n",
        "class Run:\n    def fit(self):\n        net = nn.Linear(2, 2)\n"
        "        torch.optim.SGD(net.parameters())\n"
        "torch.manual_seed(3)\nRun().fit()\n",
        "class Net(nn.Linear):\n    pass\ntorch.manual_seed(3)\nnet = Net(2, 2)\n"
        "torch.optim.SGD(net.parameters())\n",
        "def flip(x):\n    return torch.rand(1) < 0.5\ntorch.manual_seed(3)\nx = flip(3)\nx.backward()\n",
    ],
)
def test_a_seed_that_comes_in_time(text: str) -> None:
    assert of("late-seed", text) == []


def test_a_file_that_is_imported_does_not_run_what_it_does_when_it_is_started(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "import torch\ndef make():\n    return torch.nn.Linear(2, 2)\nif __name__ == '__main__':\n"
        "    make()\n"
    )
    (tmp_path / "train.py").write_text(
        "import torch\nfrom net import make\ntorch.manual_seed(1)\nnet = make()\n"
        "net(torch.ones(2)).backward()\n"
    )
    assert [one for one in audit_paths([tmp_path], cache=False).findings if "seed" in one.cause] == []


def test_a_seed_in_a_helper_counts_and_one_of_another_library_does_not(tmp_path: Path) -> None:
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").write_text("from .helpers import start as start\n")
    (package / "helpers.py").write_text("import numpy as np\ndef start(n):\n    np.random.seed(n)\n")
    (tmp_path / "train.py").write_text(
        "import random\nimport numpy as np\nfrom pack import start\n\n\ndef main():\n    start(3)\n"
        "    print(np.random.rand(), random.random())\n\n\nmain()\n"
    )
    found = audit_paths([tmp_path], cache=False).findings
    assert [(one.cause, one.site.line) for one in found if one.site] == [("unseeded-python-random", 8)]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("for epoch in range(9):\n    torch.manual_seed(0)\n", "torch.manual_seed(0)"),
        ("for x, y in loader:\n    np.random.seed(args.seed)\n", "np.random.seed(args.seed)"),
        ("while step < 9:\n    step += 1\n    random.seed(SEED)\n", "random.seed(SEED)"),
        (
            "class T:\n    def __call__(self, x):\n        random.seed(3)\n        return x\n",
            "random.seed(3)",
        ),
        (
            "class D:\n    def __getitem__(self, i):\n"
            "        return np.random.default_rng(self.seed).random()\n",
            "return np.random.default_rng(self.seed).random()",
        ),
        ("class N:\n    def forward(self, x):\n        torch.manual_seed(1)\n", "torch.manual_seed(1)"),
        (
            "for batch in batches:\n    g = torch.Generator().manual_seed(0)\n",
            "g = torch.Generator().manual_seed(0)",
        ),
        ("for step in range(3):\n    set_seed(42)\n", "set_seed(42)"),
        (
            "def noisy(x):\n    rng = np.random.default_rng(0)\n    return x + rng.normal()\n"
            "def main():\n    for x in rows:\n        noisy(x)\nmain()\n",
            "rng = np.random.default_rng(0)",
        ),
    ],
)
def test_a_seed_that_is_set_again(text: str, at: str) -> None:
    assert of("reseeded-in-loop", text) == [at]


@pytest.mark.parametrize(
    "text",
    [
        "for epoch in range(9):\n    torch.manual_seed(epoch)\n",
        "for epoch in range(9):\n    torch.manual_seed(seed + epoch)\n",
        "for seed in range(9):\n    torch.manual_seed(seed)\n    run()\n",
        "for fold in range(5):\n    set_seed(42)\n    train(fold)\n",
        "for lr in (0.1, 0.01):\n    torch.manual_seed(0)\n    run(lr)\n",
        "for epoch in range(9):\n    with torch.random.fork_rng():\n        torch.manual_seed(0)\n"
        "        show()\n",
        "class D:\n    def __getitem__(self, i):\n        rng = np.random.default_rng([self.seed, i])\n",
        "class D:\n    def __getitem__(self, i):\n        rng = random.Random(self.seed + self.epoch)\n",
        "class S:\n    def __init__(self):\n        torch.manual_seed(3)\n",
        "def sample(net):\n    state = torch.get_rng_state()\n    for step in range(3):\n"
        "        torch.manual_seed(0)\n    torch.set_rng_state(state)\n",
        "def split(rows):\n    rng = np.random.default_rng(0)\n    return rng.permutation(rows)\n"
        "split(rows)\n",
        "for step in range(9):\n    torch.manual_seed(int(time()))\n",
    ],
)
def test_a_seed_that_may_be_set_there(text: str) -> None:
    assert of("reseeded-in-loop", text) == []


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("def w(i):\n    np.random.seed(1)\n{}w)\n", "np.random.seed(1)"),
        ("def w(i):\n    np.random.seed(seed + i)\n{}w)\n", "np.random.seed(seed + i)"),
        ("def w(i):\n    s = 7 + i\n    random.seed(s)\n{}w)\n", "random.seed(s)"),
        ("{}lambda i: np.random.seed(3))\n", "{}lambda i: np.random.seed(3))"),
        (
            "from functools import partial\ndef w(i, rank, seed):\n    s = rank + seed\n    random.seed(s)\n"
            "{}partial(w, rank=rank, seed=seed))\n",
            "random.seed(s)",
        ),
        (
            "class W:\n    def __call__(self, i):\n        random.seed(self.seed)\n{}W())\n",
            "random.seed(self.seed)",
        ),
        ("def every(n):\n    np.random.seed(n)\ndef w(i):\n    every(5)\n{}w)\n", "every(5)"),
        (
            "def w(i):\n    np.random.seed(seed + 1000 * epoch + rank + i)\n{}w)\n",
            "np.random.seed(seed + 1000 * epoch + rank + i)",
        ),
    ],
)
def test_workers_that_draw_alike(text: str, at: str) -> None:
    loader = "DataLoader(rows, num_workers=4, worker_init_fn="
    assert of("worker-seed", text.replace("{}", loader)) == [at.replace("{}", loader)]


@pytest.mark.parametrize(
    "text",
    [
        "def w(i):\n    np.random.seed(torch.initial_seed() % 2**32)\n{}w)\n",
        "def w(i):\n    info = torch.utils.data.get_worker_info()\n"
        "    np.random.seed(info.seed % 2**32)\n{}w)\n",
        "def w(i):\n    base = torch.initial_seed()\n    s = base % 2**32\n    random.seed(s)\n{}w)\n",
        "def w(i):\n    torch.set_num_threads(1)\n{}w)\n",
        "def w(i):\n    np.random.seed(seed + i)\n{}w, persistent_workers=True)\n",
        "def w(i):\n    np.random.seed(seed + 1000 * epoch + i)\n{}w)\n",
        "{}lambda i: np.random.seed(torch.initial_seed() % 2**32))\n",
        "def w(i):\n    np.random.seed([seed, epoch, i])\n{}w)\n",
    ],
)
def test_workers_that_draw_apart(text: str) -> None:
    assert of("worker-seed", text.replace("{}", "DataLoader(rows, num_workers=4, worker_init_fn=")) == []


def test_workers_that_have_one_generator_of_imgaug() -> None:
    text = (
        "import imgaug\nimport imgaug.augmenters as iaa\nimgaug.seed(3)\naugment = iaa.Fliplr(0.5)\n"
        "def w(i):\n    np.random.seed(torch.initial_seed() % 2**32)\n    other(i)\n"
        "DataLoader(rows, shuffle=True, num_workers=4, worker_init_fn=w)\n"
    )
    assert of("worker-seed", text) == ["np.random.seed(torch.initial_seed() % 2**32)"]
    seeded = text.replace("other(i)", "imgaug.seed(torch.initial_seed() % 2**31)")
    assert of("worker-seed", seeded) == []


DATASET = """class D(torch.utils.data.Dataset):
    def __init__(self, rows, rng=None):
        self.rows = rows
        self.rng = {}
    def __len__(self):
        return len(self.rows)
    def __getitem__(self, i):
        return self.rows[i] + self.rng.random()
"""


@pytest.mark.parametrize(
    ("made", "loader", "faulty"),
    [
        ("np.random.default_rng(0)", "DataLoader(D(rows), num_workers=2)", True),
        ("random.Random(3)", "data = D(rows)\nDataLoader(data, num_workers=args.workers)", True),
        ("np.random.RandomState(seed)", "DataLoader(dataset=D(rows), num_workers=2)", True),
        ("rng", "DataLoader(D(rows, np.random.default_rng(3)), num_workers=2)", True),
        ("rng", "g = random.Random(3)\nDataLoader(D(rows, rng=g), num_workers=2)", True),
        ("np.random.default_rng(0)", "DataLoader(D(rows), num_workers=0)", False),
        ("np.random.default_rng(0)", "DataLoader(D(rows))", False),
        ("np.random.default_rng(0)", "DataLoader(D(rows), num_workers=2, worker_init_fn=start)", False),
        ("np.random.default_rng(0)", "DataLoader(other(rows), num_workers=0)", False),
        ("Fixed()", "DataLoader(D(rows), num_workers=2)", False),
    ],
)
def test_a_generator_that_every_worker_has_a_copy_of(made: str, loader: str, faulty: bool) -> None:
    at = ["return self.rows[i] + self.rng.random()"] if faulty else []
    assert of("worker-generator", DATASET.format(made) + loader + "\n") == at


OPTIONS = (
    "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int)\n"
    "args = p.parse_args()\n"
)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        (OPTIONS + "print(args.seed)\n", ["p.add_argument('--seed', type=int)"]),
        (OPTIONS + "run(name=f'run-{args.seed}')\n", ["p.add_argument('--seed', type=int)"]),
        (OPTIONS + "log.info(args.seed)\n", ["p.add_argument('--seed', type=int)"]),
        (OPTIONS + "torch.manual_seed(args.seed)\n", []),
        (OPTIONS + "seed = args.seed\nnp.random.default_rng(seed)\n", []),
        (OPTIONS + "Trainer(args)\n", []),
        (OPTIONS + "run(**vars(args))\n", []),
        (OPTIONS + "def main(args):\n    start(args.seed)\nmain(args)\n", []),
        ("def fit(net, seed=3):\n    net.train()\n    net.step()\n", ["def fit(net, seed=3):"]),
        ("def fit(net, seed=3):\n    net.train()\n    go(seed)\n", []),
        ("class E:\n    def reset(self, seed=None):\n        raise NotImplementedError\n", []),
        ("def set_seed(seed):\n    random.seed(42)\n    np.random.seed(42)\n", ["def set_seed(seed):"]),
    ],
)
def test_a_seed_that_is_asked_for(text: str, at: list[str]) -> None:
    assert of("unused-seed", text) == at


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("def evaluate():\n    return torch.randn(3)\n{}    evaluate()\n", ["return torch.randn(3)"]),
        (
            "def draw():\n    return random.random()\ndef validate():\n    return draw()\n{}    validate()\n",
            ["return random.random()"],
        ),
        ("valid = DataLoader(valid_set, shuffle=True)\n{}", ["valid = DataLoader(valid_set, shuffle=True)"]),
        (
            "def look(net):\n    net.eval()\n    return net(torch.rand(4))\n{}    look(net)\n",
            ["return net(torch.rand(4))"],
        ),
        ("def evaluate():\n    return torch.randn(3)\n{}evaluate()\n", []),
        (
            "def evaluate():\n    with torch.random.fork_rng():\n        torch.randn(3)\n{}    evaluate()\n",
            [],
        ),
        ("def evaluate(g):\n    return torch.randn(3, generator=g)\n{}    evaluate(g)\n", []),
        ("valid = DataLoader(valid_set, shuffle=True, generator=g)\n{}", []),
        ("train = DataLoader(train_set, shuffle=True)\n{}", []),
        ("def noise():\n    return torch.randn(3)\n{}    noise()\n", []),
    ],
)
def test_evaluation_that_draws(text: str, at: list[str]) -> None:
    seeded = "torch.manual_seed(0)\nrandom.seed(0)\n"
    assert of("evaluation-draws", seeded + text.replace("{}", TRAIN + LOOP)) == at
    assert of("evaluation-draws", text.replace("{}", TRAIN + LOOP)) == []


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("import albumentations as A\nt = A.Compose([A.Resize(3, 3)])\n", []),
        ("import albumentations as A\nt = A.Compose([A.RandomCrop(3, 3)], seed=3)\n", []),
        ("import gymnasium as gym\ne = gym.make('x')\ne.reset()\n", ["e.reset()"]),
        ("import gymnasium as gym\ne = gym.make('x')\ne.reset(seed=3)\n", []),
        ("from numba import njit\n@njit\ndef f():\n    np.random.seed(3)\n    return np.random.rand()\n", []),
    ],
)
def test_libraries_with_generators_of_their_own(text: str, at: list[str]) -> None:
    assert of("unseeded-library", text) == at


def test_a_generator_without_a_seed_gets_one() -> None:
    text = "import numpy as np\nrng = np.random.default_rng()\nx = rng.random()\n"
    assert mended("unseeded-numpy-random", text) == text.replace("default_rng()", "default_rng(0)")
    text = "import albumentations as A\nt = A.Compose([A.RandomCrop(3, 3)])\n"
    assert mended("unseeded-library", text) == text.replace("3)])", "3)], seed=0)")


@pytest.mark.parametrize(
    "text",
    [
        "import random\nif len(rows) > 1:\n    print(random.random())\n",
        "import random\ndef main():\n    print(random.random())\ntry:\n    main()\n"
        "except KeyboardInterrupt:\n    pass\n",
        "import random\ndef main():\n    print(random.random())\nif __name__ == '__main__' and True:\n"
        "    main()\n",
        "import random\ndef main():\n    print(random.random())\n",
        "from random import *\nprint(gauss(0, 1))\n",
        "import random\nfrom functools import partial\nprint(partial(random.gauss, 0)(1))\n",
        "import random\nfor draw in (random.random, random.gauss):\n    print(draw())\n",
    ],
)
def test_what_is_a_program(text: str) -> None:
    assert len(lines("unseeded-python-random", text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "import random\nfor seed in (random.seed, other):\n    seed(3)\nprint(random.random())\n",
        "import random, numpy\nfor lib in (random, numpy.random):\n    lib.seed(3)\nprint(random.random())\n",
        "import random\nstart(random.seed, 3)\nprint(random.random())\n",
        "import random\nif True:\n    random.seed(3)\nelse:\n    random.random()\nprint(random.random())\n",
        "import random\ntry:\n    import fast\nexcept ImportError:\n    fast = None\ndef f():\n"
        "    random.random()\n",
        "import random, ignite.utils\nignite.utils.manual_seed(4)\nprint(random.random())\n",
    ],
)
def test_what_seeds_and_what_is_no_program(text: str) -> None:
    assert lines("unseeded-python-random", text) == []


def test_what_workers_draw_torch_has_seeded() -> None:
    text = (
        "import numpy as np, torch\nfrom torch.utils.data import DataLoader\ntorch.manual_seed(0)\n"
        "class D:\n    def __len__(self):\n        return 3\n    def __getitem__(self, i):\n"
        "        return np.random.rand()\nfor x in DataLoader(D(), num_workers=2):\n    x.backward()\n"
    )
    assert lines("unseeded-numpy-random", text) == []
    assert lines("unseeded-numpy-random", text.replace("=2", "=0")) == [8]
    assert lines("unseeded-numpy-random", text.replace("torch.manual_seed(0)", "pass")) == [8]


def test_where_the_first_draw_is_left_out_the_next_is_told() -> None:
    text = "import random\nrandom.random()  # here\nrandom.shuffle(rows)\n"
    assert lines("unseeded-python-random", text) == [2]
    assert lines("unseeded-python-random", text.replace("here", "samebits: ignore")) == [3]
    (found,) = findings("unseeded-python-random", text)
    assert found.hit is not None
    assert [place.line for place, _ in found.hit.places] == [3]


def test_names_that_come_with_a_star_and_seeds_of_a_package(tmp_path: Path) -> None:
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").write_text("import random\nfrom .seed import *\nrandom.seed(3)\n")
    (package / "seed.py").write_text("import torch\ndef set_seed(n):\n    torch.manual_seed(n)\n")
    (package / "draws.py").write_text("import random\ndef mix():\n    return random.random()\n")
    (tmp_path / "train.py").write_text(
        "import numpy as np\nfrom pack import set_seed\nfrom pack.draws import mix\nset_seed(1)\n"
        "print(np.random.rand(), mix())\n"
    )
    found = audit_paths([tmp_path], cache=False).findings
    assert [one.cause for one in found] == ["unseeded-numpy-random"]


def test_a_draw_between_evaluation_and_training() -> None:
    text = (
        "import torch\ntorch.manual_seed(0)\nnet = torch.nn.Linear(2, 2)\ndef look():\n"
        "    return net(torch.randn(2))\n"
        "for step in range(9):\n    net(torch.ones(2)).sum().backward()\n    net.eval()\n    look()\n"
        "    net.train()\n"
    )
    assert lines("evaluation-draws", text) == [5]
    assert lines("evaluation-draws", text.replace("    net.eval()\n", "")) == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (
            "unseeded-numpy-random",
            "import numpy as np\ndef f():\n    return np.random.default_rng().random()\n",
        ),
        ("unseeded-numpy-random", "import numpy as np\nrng = np.random.default_rng(\n    # none\n)\n"),
        ("unseeded-python-random", "import random\nfor i in range(3):\n    rng = random.Random()\n"),
        (
            "unseeded-split",
            "from torch.utils.data import random_split as s\nfor i in range(3):\n    s(x, [1, 2])\n",
        ),
        ("uninitialized-memory", "import torch\nx = torch.empty(1, 2, memory_format=f)\nprint(x + 1)\n"),
    ],
)
def test_what_may_run_again_gets_no_fixed_seed(rule: str, text: str) -> None:
    """Each turn would draw the same numbers; and no comment is lost."""
    (found,) = findings(rule, text)
    assert found.hit is not None
    if found.hit.mend is not None:
        with pytest.raises(UnclearPlace):
            mended(rule, text)
