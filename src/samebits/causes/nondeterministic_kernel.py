"""A kernel that gives other bits on equal inputs: sums in an order that threads or atomics decide."""

from __future__ import annotations

from samebits.causes._base import Cause, Evidence, Finding
from samebits.causes._evidence import (
    EXTERNAL,
    NO_INPUTS,
    READS_UNINITIALIZED,
    is_nondeterministic,
    is_random,
    pairs,
    plain_name,
    spot,
)

_FIX = """\
torch.use_deterministic_algorithms(True)  # once, before training; has an effect on the CPU too
# on CUDA also set CUBLAS_WORKSPACE_CONFIG=:4096:8 in the environment before the program starts"""

# What to write for operations for which the switch is not the whole answer.
_SPECIAL = {
    "put_": "torch.use_deterministic_algorithms(True) makes put_ raise: write "
    "table.index_put_((index,), values, "
    "accumulate=True) under it instead",
    "put": "torch.use_deterministic_algorithms(True) makes put raise: write "
    "table.index_put((index,), values, "
    "accumulate=True) under it instead",
    "adaptive_max_pool3d_backward": "the switch does not reach this kernel: choose an output size "
    "that divides the "
    "input, and use F.max_pool3d with a kernel and stride of input // output",
    "_embedding_bag_backward": "torch.use_deterministic_algorithms(True), and mode='sum' or 'mean': "
    "the backward of "
    "'max' has no deterministic implementation",
    "histc": "count with torch.bincount of integer bins: torch.bincount(((x - low) / width).long(), "
    "minlength=bins)",
    "bincount": "count without weights, or sum weights with torch.zeros(n).index_add_(0, index, "
    "weights) under "
    "torch.use_deterministic_algorithms(True)",
    "index_reduce_": "sort by index first (torch.sort(index, stable=True)), then reduce whole segments",
}
_GENERAL_BACKWARD = (
    "torch.use_deterministic_algorithms(True, warn_only=True)  # names this operation if it has no "
    "deterministic "
    "kernel; then replace it (upsampling by mode='nearest', adaptive pooling by a fixed kernel size)"
)
_NAMED_BACKWARD = (
    "upsample",
    "grid_sampl",
    "avg_pool",
    "max_pool",
    "pad",
    "ctc_loss",
    "nll_loss2d",
    "roi_",
    "deform",
)


def _fix(name: str) -> str:
    plain = plain_name(name)
    if plain in _SPECIAL:
        return _SPECIAL[plain]
    if any(part in plain for part in _NAMED_BACKWARD):
        return _GENERAL_BACKWARD
    return _FIX


def _something_outside(evidence: Evidence) -> bool:
    order = pairs(evidence, "iteration", "sort", "listing", "completion", "draw", "file", "threads", "seed")
    keys = ("order", "value", "digest")
    return any(pair.differs(key) for pair in order for key in keys)


def match(evidence: Evidence) -> Finding | None:
    divergence = evidence.divergence
    event = divergence.event
    if (
        divergence.change != "value"
        or event.kind not in ("op", "region")
        or event.flags & READS_UNINITIALIZED
    ):
        return None
    known = is_nondeterministic(event.name)
    unseen = divergence.inputs_equal is None and event.flags & EXTERNAL
    if not known and (event.inputs == NO_INPUTS or unseen):
        return None
    if divergence.inputs_equal is False or divergence.generators_equal is False:
        return None
    if is_random(evidence) and divergence.generators_equal is None:
        return None
    if divergence.inputs_equal:
        confidence = 0.97 if known else 0.6
        if not known and _something_outside(evidence):
            confidence = 0.35
        given = "both runs gave it the same inputs, bit for bit, and got other results"
    else:
        confidence = 0.85 if known else 0.2
        given = "its result is the first that differs" + (
            "" if known else ", while its inputs were not recorded"
        )
    if any(row.matters for row in evidence.environment) or any(
        p.differs("value") for p in pairs(evidence, "threads")
    ):
        confidence *= 0.55
    reason = (
        "its kernel adds in an order that threads decide"
        if known
        else "its kernel may add in an order that threads decide, or a number that is not a tensor differed"
    )
    where = f"{spot(event.site)}" + (f" (the forward line of {event.node})" if event.node else "")
    return Finding(confidence, event.site, f"{event.name} at {where}: {given}; {reason}.", _fix(event.name))


CAUSE = Cause(
    name="nondeterministic-kernel",
    title="A kernel whose order of adding is not fixed",
    what="An operation that adds with atomics or from several threads at once: the backward of "
    "indexing, scatter, "
    "interpolation, grid sampling, adaptive pooling, CTC loss and others.",
    why="Floating-point addition is not associative: another order rounds differently. It happens "
    "on CPUs too: the "
    "backward of `table[index]` on two threads.",
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
    invalid=(
        "import torch\n\ntable = torch.zeros(4, 8, requires_grad=True)\nindex = torch.randint(4, "
        "(100_000,))\n"
        "table[index].sin().sum().backward()\n",
    ),
    valid=(
        "import torch\n\ntorch.use_deterministic_algorithms(True)\n"
        "table = torch.zeros(4, 8, requires_grad=True)\nindex = torch.randint(4, (100_000,))\n"
        "table[index].sin().sum().backward()\n",
    ),
)
