"""torch draws random numbers from a generator that nothing has seeded with a fixed number."""

from __future__ import annotations

from samebits.causes._base import Cause, Evidence, Finding
from samebits.causes._evidence import is_random, pairs, reach, spot
from samebits.causes._seeds import TORCH, differing_seed, ever_seeded, seeded_by_system

_FIX = """\
import torch
torch.manual_seed(0)  # once, at the start of the program, before the model is made"""
_FIX_OBJECT = """\
generator = torch.Generator().manual_seed(0)  # not generator.seed(), which asks the operating system"""


def _loaded(evidence: Evidence) -> bool:
    return any(pair.a and pair.b for pair in pairs(evidence, "load"))


def match(evidence: Evidence) -> Finding | None:
    divergence = evidence.divergence
    event = divergence.event
    states = evidence.generators.get("torch:cpu")
    parted = divergence.generators_equal is False or (states is not None and states[0] != states[1])
    drawn = is_random(evidence) and divergence.generators_equal is not True
    if not drawn and not (parted and divergence.inputs_equal is not True):
        return None
    seed = seeded_by_system(evidence, TORCH)
    if seed is not None:
        return Finding(
            (0.95 if drawn else 0.7) * reach(evidence, seed),
            seed.site,
            f"{seed.detail.get('call', 'seed()')} at {spot(seed.site)} seeds a torch generator from "
            f"the operating "
            "system: a new number in every run.",
            _FIX_OBJECT if seed.detail.get("generator") == "torch.Generator" else _FIX,
        )
    process = divergence.process
    if differing_seed(evidence, TORCH) is not None or ever_seeded(evidence, TORCH, process):
        return None
    # A generator object that a script makes starts from a fixed number; torch's own does not.
    made = any(pair.fact.detail.get("generator") == "torch.Generator" for pair in pairs(evidence, "create"))
    confidence = (0.7 if made else 0.94) if drawn else 0.65
    if _loaded(evidence):
        confidence *= 0.8
    return Finding(
        confidence,
        event.site,
        f"{event.name} at {spot(event.site)} draws from torch's generator, and nothing had seeded it: every "
        "process starts it from the operating system's entropy."
        if drawn
        else "torch's generator was in another state in each run, and nothing had seeded it.",
        _FIX,
    )


CAUSE = Cause(
    name="unseeded-torch-generator",
    title="torch's generator is not seeded",
    what="Random numbers drawn by torch (initial weights, dropout, `randperm`, a shuffling "
    "DataLoader) before, or "
    "without, `torch.manual_seed`; or after `torch.seed()`, which asks the operating system.",
    why="torch starts its default generators from the operating system's entropy in every process.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/notes/randomness.html#pytorch-random-number-generator",
        "https://docs.pytorch.org/docs/stable/generated/torch.Generator.html",
        "https://github.com/pytorch/pytorch/issues/13197",
    ),
    match=match,
    invalid=(
        "import torch\n\nmodel = torch.nn.Linear(4, 2)\n",
        "import torch\n\ngenerator = torch.Generator()\ngenerator.seed()\n"
        "order = torch.randperm(10, generator=generator)\n",
    ),
    valid=(
        "import torch\n\ntorch.manual_seed(0)\nmodel = torch.nn.Linear(4, 2)\n",
        "import torch\n\ngenerator = torch.Generator().manual_seed(0)\n"
        "order = torch.randperm(10, generator=generator)\n",
    ),
)
