"""Orders of sets, and numbers from the hash of texts."""

from __future__ import annotations

import pytest
from tests.rules.one_rule import lines

RULE = "hash-order"
_WORDS = "words = set(text.split())\n"
_CONFIG = "class Config:\n    name: str = 'a'\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (_WORDS + "ids = {}\nfor w in words:\n    ids.setdefault(w, len(ids))\n", 3),
        (_WORDS + "ids = {}\nfor i, w in enumerate(words):\n    ids.setdefault(w, i)\n", 3),
        (
            "import itertools\n" + _WORDS + "n = itertools.count()\nids = {}\nfor w in words:\n"
            "    ids[w] = next(n)\n",
            5,
        ),
        (
            "from collections import defaultdict\n" + _WORDS + "ids = defaultdict(lambda: len(ids))\n"
            "for w in words:\n    ids[w]\n",
            4,
        ),
        (
            "from collections import defaultdict\nfrom itertools import count\n"
            + _WORDS
            + "ids = defaultdict(count().__next__)\nfor w in words:\n    x = ids[w]\n",
            5,
        ),
        (
            "NAMES = frozenset(['a', 'b', 'c'])\ndef f(used):\n"
            "    return next(iter(NAMES.difference(used)))\n",
            3,
        ),
        ("NAMES = {'a', 'b', 'c'}\nleft = NAMES - used\nfirst = next(iter(left))\n", 3),
        ("first = next(iter({'a', 'b'}))\n", 1),
        ("if (words := set(text.split())):\n    ids = {w: i for i, w in enumerate(words)}\n", 2),
        ("if (words := set(text.split())):\n    ids = list(words)\nx = ids[3]\n", 2),
        ("import json\n" + _WORDS + "json.dump(list(words), out)\n", 3),
    ],
)
def test_an_order_is_found(text: str, line: int) -> None:
    assert lines(RULE, text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        _WORDS + "ids = {}\nfor w in sorted(words):\n    ids.setdefault(w, len(ids))\n",
        _WORDS + "ids = {}\nfor w in words:\n    ids.setdefault(w, len(w))\n",
        _WORDS + "ids = {}\nfor w in words:\n    ids.setdefault(w, [])\n",
        "from collections import defaultdict\n"
        + _WORDS
        + "ids = defaultdict(list)\nfor w in words:\n    ids[w]\n",
        "device = next(iter({p.device for p in ps}))\n",
        "SIDES = {'left', 'right'}\nother = next(iter(SIDES - {side}))\n",
        "only = next(iter(set(names)))\n",
        "NAMES = {'a', 'b', 'c'}\none = next(iter(NAMES - {'a', 'b'}))\n",
        "import pickle\n" + _WORDS + "pickle.dump(words, out)\n",
    ],
)
def test_a_lost_order_is_not_claimed(text: str) -> None:
    assert lines(RULE, text) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (_CONFIG + "    @property\n    def seed(self):\n        return abs(hash(self.name)) % 100\n", 5),
        (_CONFIG + "    def seed(self):\n        return hash(self.name)\n", 4),
        ("class C:\n    name = 'x'\n    def key(self):\n        return hash(self.name) % 1000\n", 4),
        (
            "class C:\n    def __init__(self, name: str):\n        self.name = name\n"
            "    def number(self):\n        return hash(self.name)\nset_seed(C('a').number())\n",
            5,
        ),
        ("def make_seed(name):\n    return hash(name)\n", 2),
        ("def number(text: str):\n    return hash(text)\nrandom_state = f(seed=number('a'))\n", 2),
        (
            _CONFIG + "    @property\n    def number(self):\n        return hash(self.name)\n"
            "def f(c):\n    manual_seed(c.number)\n",
            5,
        ),
        ("import torch\ndef f(path):\n    torch.manual_seed(hash(path))\n", 3),
    ],
)
def test_a_seed_from_a_hash_is_found(text: str, line: int) -> None:
    assert lines(RULE, text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        _CONFIG + "    def __hash__(self):\n        return hash(self.name) % 100\n",
        _CONFIG + "    def key(self):\n        return hash(self.name)\n",
        "class C:\n    number: int = 3\n    def seed(self):\n        return hash(self.number)\n",
        "def make_seed(rank):\n    return hash(rank)\n",
        "def number(text: str):\n    return hash(text)\ncache[number('a')] = 3\n",
        "def bucket(name):\n    return hash(name) % 10\n",  # of what, is not known
        "import zlib\ndef make_seed(name):\n    return zlib.crc32(name.encode())\n",
        "class C:\n    def __init__(self, name):\n        self.name = name\n    def f(self):\n"
        "        return hash(self.name) % 3\n",
    ],
)
def test_another_hash_is_not_claimed(text: str) -> None:
    assert lines(RULE, text) == []
