"""A tensor from `torch.empty` (or an array from `np.empty`) that was read before it was written."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Final

from samebits.causes._edits import Draft, UnclearPlace
from samebits.causes._evidence import pairs, spot, sure
from samebits.causes._patch import Patch, mends
from samebits.causes._trace import call_at, last_name
from samebits.causes._unwritten import NOTHING, unwritten
from samebits.model.cause import Cause, Evidence
from samebits.model.events import EXTERNAL, READS_UNINITIALIZED
from samebits.model.facts import Empty
from samebits.model.finding import Finding
from samebits.model.operators import spoken
from samebits.model.rule import Hit, Rule
from samebits.source.project import Project

_FIX = """\
buffer = torch.zeros(shape)  # torch.empty holds whatever lay in that memory before"""
_FIX_NUMPY = """\
buffer = np.zeros(shape)  # np.empty holds whatever lay in that memory before"""


def match(evidence: Evidence) -> Finding | None:
    divergence = evidence.divergence
    event = divergence.event
    flags = (divergence.a.flags if divergence.a else 0) | (divergence.b.flags if divergence.b else 0)
    if divergence.change == "value" and flags & READS_UNINITIALIZED:
        source = event.source or (divergence.b.source if divergence.b else None)
        if divergence.inputs_equal is True:
            confidence = 0.25
        else:
            confidence = 0.96 if divergence.inputs_equal is False else 0.88
        where = f", allocated at {spot(source)}" if source else ""
        return Finding(
            confidence,
            source or event.site,
            f"{spoken(event.name)} at {spot(event.site)} reads memory that nothing has written{where}: it "
            "holds whatever lay there before.",
            _FIX,
        )
    arrays = pairs(evidence, Empty)
    if not arrays or divergence.change != "value" or event.kind not in ("op", "batch", "read"):
        return None
    fact = arrays[-1].fact
    external = bool(flags & EXTERNAL) or event.kind == "batch"
    return Finding(
        sure(evidence, fact, 0.6 if external else 0.35),
        fact.site,
        f"{fact.detail.call or 'np.empty'} at {spot(fact.site)} makes an array of unwritten memory, and the "
        "first value that differs came from outside of torch.",
        _FIX_NUMPY,
    )


#: What gives unwritten memory -> what gives zeros for the same arguments.
_ZEROS: Final = {
    "empty": "zeros",
    "empty_like": "zeros_like",
    "new_empty": "new_zeros",
    "Tensor": "zeros",
    "FloatTensor": "zeros",
}
#: Likewise of the constructors that name a type of numbers.
_TYPED: Final = {
    "DoubleTensor": "float64",
    "HalfTensor": "float16",
    "LongTensor": "int64",
    "IntTensor": "int32",
    "ByteTensor": "uint8",
    "BoolTensor": "bool",
}


def _change(patch: Patch, finding: Finding) -> str | None:
    draft = patch.draft(finding.site)
    call = call_at(draft, finding.site, _ZEROS.keys() | _TYPED.keys() | {"resize_"})
    name = last_name(call)
    if name == "resize_":
        _fill_what_is_new(draft, call)
        return None
    if name.endswith("Tensor") and any(isinstance(given, ast.List | ast.Tuple) for given in call.args):
        raise UnclearPlace("it is made of numbers")
    draft.rename(call, _ZEROS.get(name, "zeros"))
    if name in _TYPED and isinstance(call.func, ast.Attribute):
        draft.keyword(call, "dtype", f"{draft.source(call.func.value)}.{_TYPED[name]}")
    return None


def _fill_what_is_new(draft: Draft, call: ast.Call) -> None:
    """`x.resize_(n)` keeps what was in `x`, in its order: what is behind that becomes zeros."""
    statement = draft.statement(call)
    if not isinstance(call.func, ast.Attribute) or draft.names.parent(call) is not statement:
        raise UnclearPlace("the tensor is used in the statement that resizes it")
    tensor, size = draft.source(call.func.value), draft.free("size")
    draft.before(statement, f"{size} = {tensor}.numel()")
    draft.after(statement, f"{tensor}.view(-1)[{size}:].zero_()")


def confirm(project: Project, hits: Sequence[Hit]) -> Iterator[Hit]:
    """What is left where another file fills all parameters that a model has."""
    fills = any(
        step.kind == "call"
        and (step.name or "").startswith("torch.nn.init.")
        and bool(step.args)
        and "." not in step.args[0].text
        for _, _, step in project.steps()
    )
    for hit in hits:
        if not (fills and hit.why.startswith(NOTHING)):
            yield hit


CAUSE = Cause(
    name="uninitialized-memory",
    title="Uninitialised memory is read",
    what="A value read from a tensor made by `torch.empty`, `empty_like`, `new_empty`, `resize_`, or an "
    "array made by `np.empty`, before it was wholly written.",
    why="Such memory holds whatever was there before. It is often zero in a fresh process, so the fault "
    "hides.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/generated/torch.empty.html",
        "https://docs.pytorch.org/docs/stable/deterministic.html#torch.utils.deterministic.fill_uninitialized_memory",
        "https://github.com/pytorch/pytorch/issues/193317",
    ),
    match=match,
    mend=mends(_change),
    rule=Rule(file=unwritten, confirm=confirm),
    invalid=(
        "import torch\n\ntotal = torch.empty(10)\ntotal += torch.ones(10)\n",
        "import torch\n\nbuffer = torch.ones(4).new_empty(8)\nbuffer[:4] = 1.0\nprint(buffer.sum())\n",
    ),
    valid=(
        "import torch\n\ntotal = torch.zeros(10)\ntotal += torch.ones(10)\n",
        "import torch\n\nbuffer = torch.empty(8)\nbuffer.fill_(1.0)\nprint(buffer.sum())\n",
    ),
)
