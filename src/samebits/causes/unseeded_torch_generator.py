"""torch draws random numbers from a generator that nothing has seeded with a fixed number."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from samebits.causes._draws import TORCH, of
from samebits.causes._edits import Draft
from samebits.causes._evidence import FactPair, is_random, of_kind, pairs, reach, spot
from samebits.causes._generator_calls import TORCH as STREAM
from samebits.causes._generator_calls import is_layer
from samebits.causes._objects import only_once
from samebits.causes._patch import Patch, mends
from samebits.causes._seedfix import seed_everything
from samebits.causes._seeds import also_unseeded, differing_seed, ever_seeded, seeded_by_system
from samebits.causes._streams import unseeded as unseeded_programs
from samebits.model.cause import Cause, Evidence
from samebits.model.events import OWN_GENERATOR
from samebits.model.facts import Create, Load, Seed
from samebits.model.finding import Finding
from samebits.model.operators import spoken
from samebits.model.rule import Hit, Rule
from samebits.source.module import Module
from samebits.source.project import Project

_FIX = """\
import torch
torch.manual_seed(0)  # once, at the start of the program, before the model is made"""
_FIX_OBJECT = """\
generator = torch.Generator().manual_seed(0)  # not generator.seed(), which asks the operating system"""


def match(evidence: Evidence) -> Finding | None:
    divergence = evidence.divergence
    event = divergence.event
    states = evidence.generators.get("torch:cpu")
    parted = divergence.generators_equal is False or (states is not None and states[0] != states[1])
    drawn = is_random(evidence) and divergence.generators_equal is not True
    if not drawn and not (parted and divergence.inputs_equal is not True):
        return None
    own = bool(event.flags & OWN_GENERATOR)
    seed = seeded_by_system(evidence, own=own) or (
        seeded_by_system(evidence, own=True) if is_random(evidence) else None
    )
    if seed is not None:
        sure = 0.95 if drawn and own == (seed.detail.generator == "torch.Generator") else 0.7
        return Finding(
            sure * reach(evidence, seed),
            seed.site,
            f"{seed.detail.call or 'seed()'} at {spot(seed.site)} seeds a torch generator from the "
            "operating system: a new number in every run.",
            _FIX_OBJECT if seed.detail.generator == "torch.Generator" else _FIX,
        )
    if own or ever_seeded(evidence, "torch", divergence.process):
        return None
    if differing_seed(evidence, TORCH) is not None and not drawn:
        return None
    confidence = (0.95 if drawn and _started_apart(evidence) else 0.6) * (
        0.8 if any(p.a and p.b for p in pairs(evidence, Load)) else 1.0
    )
    later = _seeded_later(evidence)
    seeded = f"; {later} seeds it only after that" if later else ""
    return Finding(
        confidence,
        event.site,
        f"{spoken(event.name)} at {spot(event.site)} draws from torch's generator, which nothing had seeded: "
        f"it starts from the operating system's entropy{seeded}.{also_unseeded(evidence)}",
        _FIX,
    )


def _started_apart(evidence: Evidence) -> bool:
    """Whether torch's generator was seen to start from another number in each run."""
    made: list[FactPair[Create]] = pairs(evidence, Create)
    return any(of(pair.fact) == "torch" and pair.differs(lambda d: d.value) for pair in made)


def _seeded_later(evidence: Evidence) -> str | None:
    """The call that seeds torch's generator, where it comes after the divergence."""
    rows = [fact for fact in of_kind(evidence.a, Seed) if of(fact) == "torch" and fact.site is not None]
    return f"{rows[0].detail.call or 'a seed'} at {spot(rows[0].site)}" if rows else None


def rule(project: Project) -> Iterator[Hit]:
    for seen, program, others in unseeded_programs(project, STREAM):
        made = is_layer(seen.step)
        does = "gets its first weights" if made else "draws"
        yield Hit(
            seen.step.place,
            f"{seen.step.attr}() {does} from torch's default generator, and nothing that {program} does "
            "seeds it.",
            _FIX,
            places=tuple((place, "it draws here, too") for place in others[:3]),
            instead=others,
        )


def rule_of_objects(module: Module) -> Iterator[Hit]:
    """`generator.seed()`: another number in every run."""
    for call, _, last in module.calls:
        if last != "seed" or call.args or call.keywords or not isinstance(call.func, ast.Attribute):
            continue
        of = call.func.value
        values = module.names.values(of) if isinstance(of, ast.Name) else None
        if values and all(module.names.called(value) == "torch.Generator" for value in values):
            why = "seed() gives this torch.Generator a number from entropy: another one in every run."
            yield Hit(module.place(call), why, _FIX_OBJECT, mend=_manual)


def _manual(draft: Draft, node: ast.Call) -> None:
    assert isinstance(node.func, ast.Attribute)
    only_once(draft, node)
    draft.replace(node, f"{draft.source(node.func.value)}.manual_seed(0)")


def _change(patch: Patch, finding: Finding) -> str | None:
    return seed_everything(patch, finding, "torch")


CAUSE = Cause(
    name="unseeded-torch-generator",
    title="torch's generator is not seeded",
    what="Random numbers drawn by torch (initial weights, dropout, `randperm`, a shuffling DataLoader) from "
    "a generator that `torch.seed()` or `Generator.seed()` seeded from the operating system, or that "
    "nothing seeded.",
    why="torch's own generator starts from the operating system's entropy, and so does whatever `seed()` "
    "without a number seeds: another number in every run. A `torch.Generator()` that nothing seeds starts "
    "from a number fixed in torch, which repeats; to seed one seeds no other.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/notes/randomness.html#pytorch-random-number-generator",
        "https://docs.pytorch.org/docs/stable/generated/torch.Generator.html",
        "https://github.com/pytorch/pytorch/issues/13197",
    ),
    match=match,
    mend=mends(_change),
    rule=Rule(file=rule_of_objects, project=rule),
    invalid=(
        "import torch\n\nmodel = torch.nn.Linear(4, 2)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n",
        "import torch\n\ngenerator = torch.Generator()\ngenerator.seed()\n"
        "order = torch.randperm(10, generator=generator)\n",
    ),
    valid=(
        "import torch\n\ntorch.manual_seed(0)\nmodel = torch.nn.Linear(4, 2)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n",
        "import torch\n\ngenerator = torch.Generator().manual_seed(0)\n"
        "order = torch.randperm(10, generator=generator)\n",
    ),
)
