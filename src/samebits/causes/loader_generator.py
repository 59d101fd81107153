"""A loader or sampler that shuffles without a generator of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Final

from samebits.causes._arguments import Arguments, arguments
from samebits.causes._edits import Draft
from samebits.causes._evaluating import of_evaluation
from samebits.causes._generator_calls import TORCH
from samebits.causes._nodes import call_of, named_calls
from samebits.causes._objects import only_once
from samebits.causes._streams import courses
from samebits.model.cause import Cause
from samebits.model.rule import Hit, Rule
from samebits.source.module import Module, is_constant, last_name
from samebits.source.project import Project, is_test

_FIX = """\
shuffling = torch.Generator().manual_seed(0)
loader = DataLoader(dataset, batch_size=32, shuffle=True, generator=shuffling)"""

#: Loaders of torch, and those that hand all that they are given to it.
_LOADERS: Final = frozenset(
    {"torch.utils.data.DataLoader", "torch.utils.data.dataloader.DataLoader", "monai.data.DataLoader"}
    | {"torch_geometric.loader.DataLoader", "torch_geometric.data.DataLoader", "monai.data.ThreadDataLoader"}
)
#: Samplers that draw -> the place of their generator.
_SAMPLERS: Final = {"RandomSampler": 3, "WeightedRandomSampler": 3, "SubsetRandomSampler": 1}
_NAMES: Final = frozenset({"DataLoader", "ThreadDataLoader", *_SAMPLERS})


def rule(module: Module) -> Iterator[Hit]:
    if ("DataLoader" not in module.text and "RandomSampler" not in module.text) or is_test(module.file):
        return
    for call, name, last in named_calls(module):
        if last not in _NAMES or name is None:
            continue
        if name in _LOADERS:
            given = arguments(module, call)
            if _shuffles(module, given) and _has_none(given, 13):
                yield Hit(
                    module.place(call),
                    "this DataLoader shuffles by torch's default generator: one more draw anywhere in the "
                    "program gives another order of batches.",
                    _FIX,
                    mend=None if _is_made_anew(module, call) else _give_generator,
                )
        elif name.startswith("torch.utils.data.") and last in _SAMPLERS:
            given = arguments(module, call)
            if _has_none(given, _SAMPLERS[last]):
                yield Hit(
                    module.place(call),
                    f"this {last} draws from torch's default generator: one more draw anywhere in the "
                    "program gives another order.",
                    _FIX,
                    mend=None if any(True for _ in module.loops(call)) else _give_generator,
                )


def confirm(project: Project, hits: Sequence[Hit]) -> Iterator[Hit]:
    """Where nothing seeds torch, nothing repeats anyway, and `unseeded-torch-generator` tells of it."""
    covered, seeded = set[str](), set[str]()
    for program, course in courses(project, TORCH):
        files = {program.file, *(seen.file for seen in program.trace)}
        covered |= files
        if course.seeded is not None:
            seeded |= files
    evaluating = {
        step.place
        for _, _, step in project.steps()
        if step.kind == "call" and step.attr.endswith("DataLoader") and of_evaluation(step)
    }  # of which `evaluation-draws` tells
    for hit in hits:
        if hit.place in evaluating:
            continue
        if hit.place.file in seeded or (seeded and hit.place.file not in covered):
            yield hit


def _has_none(given: Arguments, place: int) -> bool:
    """Whether a call certainly gets no generator."""
    generator = given.given(place, "generator")
    return given.whole and (generator is None or is_constant(generator, None))


def _shuffles(module: Module, given: Arguments) -> bool:
    shuffle = given.given(2, "shuffle")
    for other in ("sampler", "batch_sampler"):
        sampler = given.given(3 if other == "sampler" else 4, other)
        if sampler is not None and not is_constant(sampler, None) and is_constant(shuffle, True):
            return False  # which torch refuses
    return shuffle is not None and _is_true(module, shuffle)


def _is_made_anew(module: Module, call: ast.Call) -> bool:
    """Whether a loader is made in every turn or epoch, where a generator made with it would start over."""
    above = module.names.parent(call)
    iterated = isinstance(above, ast.For | ast.comprehension) or (
        isinstance(above, ast.Call) and not last_name(above.func).endswith("DataLoader")
    )
    return iterated or any(True for _ in module.loops(call))


def _is_true(module: Module, node: ast.expr, depth: int = 0) -> bool:
    """Whether a switch is on: `True`, or `sampler is None`, which is on unless there is a sampler."""
    match node:
        case ast.Constant():
            return node.value is True or node.value == 1
        case ast.Compare(ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=None)]):
            return True
        case ast.Name() if depth < 3:
            values = module.names.values(node)
            return bool(values) and all(_is_true(module, value, depth + 1) for value in values or ())
        case _:
            return False


def _give_generator(draft: Draft, node: ast.AST) -> None:
    only_once(draft, node)
    call = call_of(draft, node, _NAMES)
    torch = draft.module("torch", call.lineno)
    draft.keyword(call, "generator", f"{torch}.Generator().manual_seed(0)")


CAUSE = Cause(
    name="loader-generator",
    title="Shuffling without a generator of its own",
    what="A `DataLoader` with `shuffle=True`, a `RandomSampler` or a `WeightedRandomSampler` without "
    "`generator`.",
    why="The order of batches is drawn from torch's default generator, which layers, dropout and every other "
    "draw share. The program repeats as it is, but one more layer, or an evaluation at another time, gives "
    "other batches: two variants are then compared on other data.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/notes/randomness.html#dataloader",
        "https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.RandomSampler",
        "https://github.com/pytorch/pytorch/issues/47835",
    ),
    rule=Rule(file=rule, confirm=confirm, fragile=True),
    invalid=(
        "import torch\nfrom torch.utils.data import DataLoader\n\ntorch.manual_seed(0)\n"
        "loader = DataLoader(range(100), batch_size=10, shuffle=True)\n",
        "import torch\nfrom torch.utils.data import WeightedRandomSampler\n\ntorch.manual_seed(0)\n"
        "sampler = WeightedRandomSampler([0.2, 0.8], 100)\n",
    ),
    valid=(
        "import torch\nfrom torch.utils.data import DataLoader\n\ntorch.manual_seed(0)\n"
        "loader = DataLoader(range(100), batch_size=10, shuffle=True, "
        "generator=torch.Generator().manual_seed(0))\n",
        "import torch\nfrom torch.utils.data import WeightedRandomSampler\n\ntorch.manual_seed(0)\n"
        "shuffling = torch.Generator().manual_seed(0)\n"
        "sampler = WeightedRandomSampler([0.2, 0.8], 100, generator=shuffling)\n",
    ),
)
