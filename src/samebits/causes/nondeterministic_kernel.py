"""A kernel that gives other bits on equal inputs: sums in an order that threads or atomics decide."""

from __future__ import annotations

from samebits.causes._draws import partings
from samebits.causes._evidence import (
    NO_INPUTS,
    FactPair,
    is_random,
    pairs,
    spot,
)
from samebits.causes._patch import Patch, mends
from samebits.model.cause import Cause, Evidence
from samebits.model.events import EXTERNAL, READS_UNINITIALIZED, UNINITIALIZED
from samebits.model.facts import Completion, File, Iteration, Listing, Seed, Sort, Thread, Threads
from samebits.model.finding import Finding
from samebits.model.operators import OPERATORS, is_nondeterministic, plain_name, spoken

_FIX = """\
samebits.deterministic()  # once, before training; replaces kernels that have no deterministic form
# on CUDA before the first CUDA tensor; without a change to the program: samebits run"""


def _something_outside(evidence: Evidence) -> bool:
    ordered: list[FactPair[Iteration | Sort | Listing | Completion]] = pairs(
        evidence, Iteration, Sort, Listing, Completion
    )
    valued: list[FactPair[Threads | Seed]] = pairs(evidence, Threads, Seed)
    return (
        any(pair.differs(lambda d: d.order) for pair in ordered)
        or any(pair.differs(lambda d: d.value) for pair in valued)
        or any(partings(evidence))
        or any(pair.differs(lambda d: d.digest) for pair in pairs(evidence, File))
    )


def _of_another_shape(evidence: Evidence) -> bool:
    """Whether the results are of two shapes, which is a number's doing that came from outside torch."""
    difference = evidence.divergence.difference
    if difference is None or difference.max_abs is not None:
        return False
    return difference.differing == difference.elements and difference.max_ulp is None


def _threads(evidence: Evidence) -> bool:
    """Whether the program started threads, which may write to what an operation reads while it runs."""
    return any("rocess" not in str(pair.detail.call) for pair in pairs(evidence, Thread))


def match(evidence: Evidence) -> Finding | None:
    divergence = evidence.divergence
    event = divergence.event
    if (
        divergence.change != "value"
        or event.kind not in ("op", "region")
        or event.flags & (READS_UNINITIALIZED | UNINITIALIZED)  # of the latter the shape alone is compared
    ):
        return None
    known = is_nondeterministic(event.name)
    unseen = divergence.inputs_equal is None and event.flags & EXTERNAL
    if not known and (event.inputs == NO_INPUTS or unseen or _of_another_shape(evidence)):
        return None
    if divergence.inputs_equal is False or divergence.generators_equal is False:
        return None
    if is_random(evidence) and divergence.generators_equal is None:
        return None
    if divergence.inputs_equal:
        confidence = 0.97 if known else 0.6
        if not known and (_something_outside(evidence) or _threads(evidence)):
            confidence = 0.35
        given = "both runs gave it the same inputs, bit for bit, and got other results"
    else:
        confidence = 0.85 if known else 0.2
        given = "its result is the first that differs" + (
            "" if known else ", while its inputs were not recorded"
        )
    if any(row.matters for row in evidence.environment) or any(
        p.differs(lambda d: d.value) for p in pairs(evidence, Threads)
    ):
        confidence *= 0.55
    reason = (
        "its kernel adds in an order that threads decide"
        if known
        else "its kernel may add in an order that threads decide, or a number that is not a tensor differed"
    )
    where = f"{spot(event.site)}" + (f" (the forward line of {event.node})" if event.node else "")
    return Finding(confidence, event.site, f"{spoken(event.name)} at {where}: {given}; {reason}.", _FIX)


def _change(patch: Patch, finding: Finding) -> str | None:
    draft = patch.program()
    if _of_torch(patch.evidence.divergence.event.name):
        torch = draft.module("torch")
        draft.after_imports(f"{torch}.use_deterministic_algorithms(True, warn_only=True)")
        return "PyTorch's own deterministic kernels; on CUDA with CUBLAS_WORKSPACE_CONFIG=:4096:8 set"
    draft.after_imports(f"{draft.module('samebits')}.deterministic()")
    return "samebits has a deterministic kernel for it, on every device"


def _of_torch(name: str) -> bool:
    """Whether PyTorch has a deterministic kernel for an operation, which its flag chooses."""
    rows = [operator for operator in OPERATORS if operator.name == plain_name(name)]
    return bool(rows) and not any(operator.replaced for operator in rows)


CAUSE = Cause(
    name="nondeterministic-kernel",
    title="A kernel whose order of adding is not fixed",
    what="An operation that adds with atomics or from several threads at once: the backward of indexing, "
    "scatter, interpolation, grid sampling, adaptive pooling, CTC loss and others.",
    why="Floating-point addition is not associative: another order rounds differently. It happens on CPUs "
    "too: the backward of `table[index]` on two threads.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/generated/torch.use_deterministic_algorithms.html",
        "https://docs.pytorch.org/docs/stable/notes/randomness.html#avoiding-nondeterministic-algorithms",
        "https://github.com/pytorch/pytorch/issues/101246",
        "https://github.com/pytorch/pytorch/issues/68961",
        "https://github.com/pytorch/pytorch/issues/50198",
        "https://github.com/pytorch/pytorch/issues/68959",
        "https://github.com/pytorch/pytorch/issues/17798",
    ),
    match=match,
    mend=mends(_change),
    invalid=(
        "import torch\n\ntable = torch.zeros(4, 8, requires_grad=True)\nindex = torch.randint(4, "
        "(100_000,))\n"
        "table[index].sin().sum().backward()\n",
    ),
    valid=(
        "import torch\nimport samebits\n\nsamebits.deterministic()\n"
        "table = torch.zeros(4, 8, requires_grad=True)\nindex = torch.randint(4, (100_000,))\n"
        "table[index].sin().sum().backward()\n",
    ),
)
