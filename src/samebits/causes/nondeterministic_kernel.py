"""A kernel that gives other bits on equal inputs: sums in an order that threads or atomics decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from samebits.causes._cuda import Way, ways
from samebits.causes._draws import partings
from samebits.causes._evidence import (
    NO_INPUTS,
    FactPair,
    is_random,
    pairs,
    spot,
)
from samebits.causes._kernels import kernels
from samebits.causes._patch import Patch, mends
from samebits.model.cause import Cause, Evidence
from samebits.model.events import EXTERNAL, READS_UNINITIALIZED, UNINITIALIZED
from samebits.model.facts import Completion, File, Iteration, Listing, Seed, Sort, Thread, Threads
from samebits.model.finding import Finding
from samebits.model.operators import OPERATORS, Torch, is_nondeterministic, plain_name, spoken
from samebits.model.rule import Hit, Rule
from samebits.source.module import Module
from samebits.source.project import Project, Seen, is_test
from samebits.source.summary import Function, SourcePlace, SourceStep

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


@dataclass(frozen=True, slots=True)
class _Call(Hit):
    """A call that runs such a kernel where it is on CUDA.

    Attributes:
        said, backward, torch, learns, bare: as of a `Kernel`.
    """

    said: str = ""
    backward: bool = False
    torch: Torch = Torch.RAISES
    learns: bool = False
    bare: bool = False


_DEEPEST: Final = 3
#: What keeps a program from propagating back.
_NO_GRAD: Final = frozenset({"torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad", "no_grad"})


def rule(module: Module) -> Iterator[Hit]:
    for call, said, _, backward, torch, learns, bare in kernels(module):
        yield _Call(
            module.place(call),
            "",
            _FIX,
            said=said,
            backward=backward,
            torch=torch,
            learns=learns,
            bare=bare,
        )


def confirm(project: Project, hits: Sequence[Hit]) -> Iterator[Hit]:
    """Those that a program runs on CUDA, with what its mode makes of them."""
    on = [way for way in ways(project) if way.named is not None and not way.ours]
    if not on:
        return
    away = {
        way.program.file for way in ways(project) if way.named is None
    }  # started by themselves, on the CPU
    wanted = {hit.place for hit in hits}
    owners = {
        step.place: (file, function, step)
        for file, function, step in project.steps()
        if step.place in wanted and step.kind == "call"
    }
    reached: dict[SourcePlace, Seen] = {}
    for way in on:
        for seen in way.program.trace:
            if seen.step.kind == "call" and seen.step.place in wanted:
                reached.setdefault(seen.step.place, seen)
    for hit in hits:
        if not isinstance(hit, _Call) or is_test(hit.place.file) or hit.place not in owners:
            continue
        file, function, step = owners[hit.place]
        if hit.backward and not (hit.learns or _in_model(project, file, function)):
            continue  # of data, as far as is known
        if hit.backward and hit.bare and not (hit.learns or _is_inside(project, file, function)):
            continue  # what the whole model is given
        if hit.place.file in away and hit.place not in reached:
            continue
        programs = [way for way in on if hit.place.file in way.files and (way.trains or not hit.backward)]
        if hit.backward and _without_gradients(project, function, step, reached.get(hit.place)):
            continue
        said = next((text for way in programs if (text := _said(hit, way)) is not None), None)
        if said is not None:
            yield replace(hit, why=said)


def _in_model(project: Project, file: str, function: Function, depth: int = 0) -> bool:
    """Whether a function is a method of a model, or is called by one."""
    of = project.files[file].classes.get(function.name.rpartition(".")[0])
    if of is not None:
        return "forward" in of.methods and function.last != "__init__"
    return depth < _DEEPEST and any(
        _in_model(project, other, caller, depth + 1)
        for other, caller, _ in project.callers.get((file, function.name), ())
    )


def _is_inside(project: Project, file: str, function: Function) -> bool:
    """Whether a method is of a layer of another model, which is given what layers before it computed.

    A function that a model calls is, too; a method beside `forward` gets what that computed, as may be.
    """
    if function.last != "forward":
        return True
    name = function.name.rpartition(".")[0]
    return _is_layer(project, file, name)


def _is_layer(project: Project, file: str, name: str) -> bool:
    """Whether a class is made, or given on, in a class that has a `forward` of its own."""
    made = project.callers.get((file, name), ())
    if any(_is_of_model(project, other, caller) for other, caller, _ in made):
        return True
    return any(
        step.kind == "mention"
        and _is_of_model(project, other, caller)
        and (home := project.resolve(step.name, other)) is not None
        and (home.file, home.of.name) == (file, name)
        for other, caller, step in project.steps()
        if step.attr == "" and step.name is not None and step.name.endswith(name.rpartition(".")[2])
    )


def _is_of_model(project: Project, file: str, function: Function, depth: int = 0) -> bool:
    """Whether a function is a method of a class with layers, or is called by one: none of a framework."""
    of = project.files[file].classes.get(function.name.rpartition(".")[0])
    learns = of is not None and (
        "forward" in of.methods or any(base.endswith(("nn.Module", "nn.Sequential")) for base in of.bases)
    )
    if of is not None and learns and not any("Lightning" in base for base in of.bases):
        return True
    return depth < _DEEPEST and any(
        _is_of_model(project, other, caller, depth + 1)
        for other, caller, _ in project.callers.get((file, function.name), ())
    )


def _without_gradients(project: Project, function: Function, step: SourceStep, seen: Seen | None) -> bool:
    """Whether nothing is propagated back through a step."""
    if _NO_GRAD & {*step.within, *function.decorators}:
        return True
    if seen is None:
        return False
    if _NO_GRAD & set(seen.within):
        return True
    callers = project.callers.get((seen.file, function.name), ())
    return bool(callers) and all(_NO_GRAD & {*call.within, *caller.decorators} for _, caller, call in callers)


def _said(hit: _Call, way: Way) -> str | None:
    """What to say of a call in a program; None where its mode makes it deterministic."""
    part = "the backward of " if hit.backward else ""
    if way.mode is None:
        return f"{part}{hit.said} adds on CUDA in the order in which threads arrive."
    place = way.mode.step.place
    mode = f"use_deterministic_algorithms(True), which {place.file}:{place.line} sets"
    if hit.torch is Torch.SILENT:
        return f"{part}{hit.said} is nondeterministic on CUDA, silently, even under {mode}."
    if hit.torch is Torch.RAISES:
        does = "only warns and stays nondeterministic" if way.warns else "raises"
        return f"{part}{hit.said} has no deterministic kernel on CUDA: it {does} under {mode}."
    return None


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
    rule=Rule(file=rule, confirm=confirm, fragile=True),
    invalid=(
        "import torch\n\nimages = torch.rand(2, 3, 8, 8, device='cuda', requires_grad=True)\n"
        "larger = torch.nn.functional.interpolate(images, scale_factor=1.5, mode='bilinear')\n"
        "larger.sin().sum().backward()\n",
    ),
    valid=(
        "import torch\nimport samebits\n\nsamebits.deterministic()\n"
        "images = torch.rand(2, 3, 8, 8, device='cuda', requires_grad=True)\n"
        "larger = torch.nn.functional.interpolate(images, scale_factor=1.5, mode='bilinear')\n"
        "larger.sin().sum().backward()\n",
    ),
)
