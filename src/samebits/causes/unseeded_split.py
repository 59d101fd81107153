"""A split of the data into parts that no seed of its own decides."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from samebits.causes._arguments import arguments
from samebits.causes._edits import Draft
from samebits.causes._nodes import call_of, named_calls
from samebits.causes._objects import only_once
from samebits.model.cause import Cause
from samebits.model.rule import Hit, Rule
from samebits.source.module import Module, is_constant
from samebits.source.project import is_test

_FIX = """\
train, test = train_test_split(rows, test_size=0.2, random_state=0)"""
_FIX_TORCH = """\
train, test = random_split(dataset, [0.8, 0.2], generator=torch.Generator().manual_seed(0))"""
_FIX_DATASET = """\
parts = dataset.train_test_split(test_size=0.1, seed=0)"""

#: Splitters of scikit-learn that draw unless they are told not to.
_DRAW: Final = frozenset(
    {"train_test_split", "ShuffleSplit", "StratifiedShuffleSplit", "GroupShuffleSplit", "RepeatedKFold"}
    | {"RepeatedStratifiedKFold"}
)
#: Those that draw where they are told to shuffle.
_SHUFFLE: Final = frozenset({"KFold", "StratifiedKFold", "StratifiedGroupKFold"})
_TORCH: Final = frozenset({"torch.utils.data.random_split", "torch.utils.data.dataset.random_split"})
_ALL: Final = frozenset({*_DRAW, *_SHUFFLE, "random_split"})


def rule(module: Module) -> Iterator[Hit]:
    text = module.text
    if not any(word in text for word in ("Split", "split", "KFold")) or is_test(module.file):
        return
    for call, name, last in named_calls(module):
        if last not in _ALL:
            continue
        if name is None:
            if last == "train_test_split" and "datasets" in text:
                yield from _of_datasets(module, call)
            continue
        if name in _TORCH:
            given = arguments(module, call)
            generator = given.given(2, "generator")
            if given.whole and (generator is None or is_constant(generator, None)):
                yield Hit(
                    module.place(call),
                    "random_split() draws from torch's default generator: whatever draws before it, "
                    "changes which rows are held out.",
                    _FIX_TORCH,
                    mend=_give_generator,
                )
        elif name.startswith(("sklearn.model_selection.", "sklearn.cross_validation.")):
            yield from _of_sklearn(module, call, last)


def _of_sklearn(module: Module, call: ast.Call, last: str) -> Iterator[Hit]:
    given = arguments(module, call)
    shuffle, seed = given.given(None, "shuffle"), given.given(None, "random_state")
    if last in _SHUFFLE and not is_constant(shuffle, True):
        return
    if last in _DRAW and shuffle is not None and not is_constant(shuffle, True):
        return
    if not given.whole or (seed is not None and not is_constant(seed, None)):
        return
    yield Hit(
        module.place(call),
        f"{last}() has no random_state and draws from numpy's global generator: whatever draws before it "
        "changes the split.",
        _FIX,
        mend=_give_state,
    )


def _of_datasets(module: Module, call: ast.Call) -> Iterator[Hit]:
    """`dataset.train_test_split(0.1)` of Hugging Face."""
    given = arguments(module, call)
    imported = any(name.split(".")[0] == "datasets" for name in module.names.imports().values())
    seed = given.given(None, "seed") or given.given(None, "generator")
    if not imported or not isinstance(call.func, ast.Attribute) or not given.whole or seed is not None:
        return
    if not is_constant(given.given(None, "shuffle"), False):
        yield Hit(
            module.place(call),
            "train_test_split() of a dataset has no seed: the rows are shuffled by numpy's global generator.",
            _FIX_DATASET,
            mend=_give_seed,
        )


def _give_seed(draft: Draft, node: ast.AST) -> None:
    only_once(draft, node)
    draft.keyword(call_of(draft, node, {"train_test_split"}), "seed", "0")


def _give_state(draft: Draft, node: ast.AST) -> None:
    only_once(draft, node)
    draft.keyword(call_of(draft, node, _ALL), "random_state", "0")


def _give_generator(draft: Draft, node: ast.AST) -> None:
    only_once(draft, node)
    call = call_of(draft, node, {"random_split"})
    torch = draft.module("torch", call.lineno)
    draft.keyword(call, "generator", f"{torch}.Generator().manual_seed(0)")


CAUSE = Cause(
    name="unseeded-split",
    title="A split without a seed of its own",
    what="`random_split` without `generator`, or a splitter of scikit-learn that shuffles without "
    "`random_state`.",
    why="The split is drawn from a global generator. Without a seed it is new in every run; with one, it "
    "still changes as soon as anything draws before it, and rows move between training and test.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.random_split",
        "https://scikit-learn.org/stable/common_pitfalls.html#controlling-randomness",
        "https://scikit-learn.org/stable/glossary.html#term-random_state",
    ),
    rule=Rule(file=rule),
    invalid=(
        "import torch\nfrom torch.utils.data import random_split\n\ntorch.manual_seed(0)\n"
        "train, test = random_split(range(100), [80, 20])\n",
        "import numpy as np\nfrom sklearn.model_selection import train_test_split\n\nnp.random.seed(0)\n"
        "train, test = train_test_split(list(range(100)), test_size=0.2)\n",
    ),
    valid=(
        "import torch\nfrom torch.utils.data import random_split\n\ntorch.manual_seed(0)\n"
        "train, test = random_split(range(100), [80, 20], generator=torch.Generator().manual_seed(0))\n",
        "import numpy as np\nfrom sklearn.model_selection import train_test_split\n\nnp.random.seed(0)\n"
        "train, test = train_test_split(list(range(100)), test_size=0.2, random_state=0)\n",
    ),
)
