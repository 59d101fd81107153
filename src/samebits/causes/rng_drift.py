"""One run drew more random numbers than the other, so all later ones differ."""

from __future__ import annotations

from samebits.causes._draws import NUMPY, PYTHON, TORCH, drawing, operation_alone
from samebits.causes._evidence import is_random, pairs, reach, spot, sure
from samebits.causes._ownfix import own_generator
from samebits.causes._patch import Patch, mends
from samebits.causes._seeds import differing_seed, ever_seeded, extra_draw, seeded_by_system
from samebits.model.cause import Cause, Evidence
from samebits.model.events import OWN_GENERATOR
from samebits.model.facts import RngRestore
from samebits.model.finding import Finding
from samebits.model.operators import spoken

_FIX = """\
generator = torch.Generator().manual_seed(1)  # a generator of its own for what does not happen in every run
value = torch.rand(3, generator=generator)"""
_FIX_PYTHON = """\
rng = random.Random(1)  # a generator of its own for what does not happen in every run
value = rng.random()"""
_FIX_NUMPY = """\
rng = np.random.default_rng(1)  # a generator of its own for what does not happen in every run
value = rng.normal()"""


def _extra_operation(evidence: Evidence) -> Finding | None:
    alone = operation_alone(evidence)
    if alone is None:
        return None
    event, confidence = alone
    return Finding(
        confidence,
        event.site,
        f"{spoken(event.name)} at {spot(event.site)} draws random numbers in one run only; every later "
        "number from that generator is another.",
        _FIX,
    )


def match(evidence: Evidence) -> Finding | None:
    divergence = evidence.divergence
    for family, fix in ((PYTHON, _FIX_PYTHON), (NUMPY, _FIX_NUMPY)):
        parting = extra_draw(evidence, family)
        if parting is None or parting.extra is None or differing_seed(evidence, family) is not None:
            continue
        draw = parting.extra
        drawn = drawing(draw)
        what = (
            f"{drawn} drew more numbers in one run"
            if parting.how == "count"
            else f"{drawn} drew in one run only"
        )
        return Finding(
            sure(evidence, draw, 0.92),
            draw.site,
            f"{what}; every later number from that generator is another.",
            fix,
            subject=draw.detail,
        )
    extra = _extra_operation(evidence)
    if extra is not None:
        return extra
    if not is_random(evidence) or divergence.generators_equal is not False:
        return None
    if differing_seed(evidence, TORCH) or seeded_by_system(evidence, own=False):
        return None
    if divergence.event.flags & OWN_GENERATOR or not ever_seeded(evidence, "torch", divergence.process):
        return None
    site = divergence.event.site
    if any((p.a is None) != (p.b is None) for p in pairs(evidence, RngRestore)):
        return None  # one run took its generators from a checkpoint
    return Finding(
        0.5 * reach(evidence, evidence.a[-1]) if evidence.a else 0.5,
        site,
        f"both runs seeded the generator alike, and before {spoken(divergence.event.name)} at {spot(site)} "
        "it was in another state: something had drawn from it in one run only. Run samebits verify --level "
        "op to see what.",
        _FIX,
    )


def _change(patch: Patch, finding: Finding) -> str | None:
    return own_generator(patch, finding.site)


CAUSE = Cause(
    name="rng-drift",
    title="One run drew extra random numbers",
    what="A draw that happens in one run and not in the other: behind a condition on a file, the time or "
    "the environment, in an evaluation at other moments, in a retry.",
    why="A generator is a tape: one number more, and everything drawn later is another. Seeds do not help.",
    fix=_FIX,
    sources=(
        "https://github.com/pytorch/pytorch/issues/80119",
        "https://github.com/pytorch/pytorch/issues/122697",
        "https://github.com/pytorch/pytorch/issues/47835",
    ),
    match=match,
    mend=mends(_change),
    invalid=(
        "import os\n\nimport torch\n\ntorch.manual_seed(0)\nif not os.path.exists('cache.pt'):\n"
        "    torch.save(torch.randn(10), 'cache.pt')\nmodel = torch.nn.Linear(2, 2)\n",
    ),
    valid=(
        "import os\n\nimport torch\n\ntorch.manual_seed(0)\ngenerator = torch.Generator().manual_seed(1)\n"
        "if not os.path.exists('cache.pt'):\n"
        "    torch.save(torch.randn(10, generator=generator), 'cache.pt')\nmodel = torch.nn.Linear(2, 2)\n",
    ),
)
