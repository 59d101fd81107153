"""Every cause's rule, over what the causes themselves show as faulty and as mended, and over more."""

from __future__ import annotations

import pytest

from samebits.audit import audit_source
from samebits.audit.engine import chosen, joined
from samebits.audit.one_file import audited_source
from samebits.audit.reading import Source
from samebits.causes import CATALOGUE
from samebits.model.finding import Finding

RULED = [cause for cause in CATALOGUE.values() if cause.rule is not None]
INVALID = [(cause.name, text) for cause in RULED for text in cause.invalid]
VALID = [(cause.name, text) for cause in CATALOGUE.values() for text in cause.valid]


def codes(text: str) -> list[str]:
    return [problem.cause for problem in audit_source(text)]


def named(name: str, text: str) -> list[Finding]:
    """What one rule finds, also one that is off by itself."""
    return list(joined([audited_source(Source("<text>", text))], chosen([name])).findings)


def test_there_are_rules() -> None:
    assert {"hash-order", "unseeded-python-random"} <= {cause.name for cause in RULED}


@pytest.mark.parametrize(("name", "text"), INVALID)
def test_what_a_cause_shows_as_faulty_is_found(name: str, text: str) -> None:
    found = named(name, text)
    assert found
    assert all(problem.why.endswith(".") and problem.fix for problem in found)


@pytest.mark.parametrize(("name", "text"), VALID)
def test_what_a_cause_shows_as_mended_is_clean(name: str, text: str) -> None:
    if CATALOGUE[name].rule is not None:
        assert named(name, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "labels = set(read())\nfor label in labels:\n    out.append(label)\n",
        "def f(rows):\n    labels = {row.label for row in rows}\n    return list(labels)\n",
        "names = {'a', 'b'}\nprint(', '.join(names))\n",
        "order = [n for n in set(names)]\n",
        "pairs = zip(frozenset(names), range(9))\n",
        "index = dict.fromkeys(set(names))\n",
        "a = set(x) - done\nb = tuple(a)\n",
        "import torch\nheads = {}\nfor name in {'a', 'b'}:\n    heads[name] = torch.nn.Linear(3, 3)\n",
        "row = [*set(names)]\n",
        "first = set(names).pop()\n",
        "files = sorted(files, key=hash)\n",
        "def f(name: str):\n    return hash(name) % 10\n",
        "import numpy as np\nrng = np.random.default_rng(hash(f'{task}-train'))\n",
        "seed = hash('train')\n",
        "def f():\n    for x in set(names):\n        yield x\n",
        "order = list(map(str.lower, set(names)))\n",
    ],
)
def test_hash_order_is_found(text: str) -> None:
    assert codes(text) == ["hash-order"]


@pytest.mark.parametrize(
    "text",
    [
        "for label in sorted(set(labels)):\n    out.append(label)\n",
        "n = len(set(labels)); ok = 'a' in {'a', 'b'}; both = set(a) & set(b)\n",
        "any(x for x in set(a)); all(map(f, set(a))); sum(set(a)); min(set(a))\n",
        "lower = {x.lower() for x in set(a)}\n",
        "for i in {1, 2, 3}:\n    out.append(i)\n",
        "for i in set(range(9)):\n    out.append(i)\n",
        "seen = set()\nfor i, x in enumerate(xs):\n    seen.add(i)\nfirst = list(seen)\n",
        "labels = set(read())\nlabels = order(labels)\nfor x in labels:\n    out.append(x)\n",  # two meanings
        "def f(labels):\n    for x in labels:\n        out.append(x)\n",
        "for name in set(names):\n    seen.add(name)\n    counts[name] += 1\n",
        "names = list(set(names_))\nnames.sort()\n",
        "names = sorted(list(set(a)))\n",
        "from mine import set\nlist(set(a))\n",
        "def set(x):\n    return x\nlist(set(a))\n",
        "x = set(a)\nif len(x) == 1:\n    only = x.pop()\n",
        "class A:\n    def __hash__(self):\n        return hash(('a', self.x)) % 7\n",
        "table = hash(key) % 10\n",  # of what is not known
        "n = hash(3) % 10\n",
        "union = set().union(*[list(x) for x in xs])\n",
        "def f():\n    global names\n    names = order()\nnames = set(a)\nlist(names)\n",
    ],
)
def test_hash_order_is_not_claimed(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "from random import shuffle as mix\nmix(rows)\n",
        "import random, torch\ntorch.manual_seed(0)\ndef f():\n    return random.choice(xs)\n",
        "import random\ndef f():\n    return random.choice(xs)\nif __name__ == '__main__':\n    f()\n",
        "import random\nself.rng = random.Random(None)\n",
        "import random\nx = random.Random().random()\n",
    ],
)
def test_unseeded_random_is_found(text: str) -> None:
    assert codes(text) == ["unseeded-python-random"]


@pytest.mark.parametrize(
    "text",
    [
        "import random\ndef augment(x):\n    return x * random.random()\n",  # who imports it may seed
        "import random\nfrom samebits.compat import setup_seed\nsetup_seed(3)\nrandom.shuffle(x)\n",
        "import random, samebits\nsamebits.seed_everything(3)\nrandom.shuffle(x)\n",
        "import random, utils\ndef main():\n    utils.set_seed(3)\nmain()\nrandom.shuffle(x)\n",
        "import random\nrng = random.Random()\nrng.seed(3)\n",
        "import random\nrng = random.SystemRandom()\nrng.random()\n",
        "import random\ndef make():\n    return random.Random()\n",
        "import mine as random\nrandom.shuffle(x)\n",
        "import random\nrandom = fixed()\nrandom.shuffle(x)\n",
        "import random, pytest\nf = lambda: random.random()\nif __name__ == '__main__':\n    pytest.main()\n",
    ],
)
def test_unseeded_random_is_not_claimed(text: str) -> None:
    assert codes(text) == []
