"""Alternatives are timed and the fastest is used: `cudnn.benchmark`, `max_autotune`, or by hand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from samebits.causes._arguments import arguments
from samebits.causes._constants import is_ever, literal
from samebits.causes._cuda import MODE, ways
from samebits.causes._edits import Draft, UnclearPlace
from samebits.causes._evidence import facts, is_random, outside, reach, spot
from samebits.causes._patch import Patch, mends
from samebits.causes._source import follow, is_clock, text_of
from samebits.causes._trace import calls_at, last_name
from samebits.model.cause import Cause, Evidence
from samebits.model.facts import Clock, Flag
from samebits.model.finding import Finding
from samebits.model.rule import Hit, Rule
from samebits.model.sites import Site
from samebits.source.module import Module, is_constant, keyword
from samebits.source.project import Project, Seen
from samebits.source.summary import SourcePlace

_FIX = """\
torch.backends.cudnn.benchmark = False  # and no max_autotune: choose by a fixed rule, not by a stopwatch
torch.backends.cudnn.deterministic = True"""
_FIX_HAND = """\
implementation = CHOICES[name]  # choose by configuration, or keep the choice of the first run in a file"""
_TUNES: Final = re.compile(r"bench|tun(e|ing)|fastest|profil|timeit|optimi[sz]e_for")
_TUNED = ("conv", "cudnn", "mm", "linear", "sdpa", "attention")


def _by_hand(evidence: Evidence) -> Finding | None:
    clocks, others = facts(evidence, Clock)
    for fact in reversed(clocks + others):
        uses = follow(text_of(evidence, fact.site), is_clock)
        if not uses.alternatives or fact.site is None:
            continue
        behind = [line for line in uses.alternatives if line >= fact.site.line]
        line = behind[0] if behind else uses.alternatives[0]
        site = Site(fact.site.file, line, fact.site.function)
        strength = 1.0 if evidence.divergence.change != "value" else 0.85 * outside(evidence)
        if is_random(evidence):
            strength *= 0.5
        return Finding(
            0.93 * strength * reach(evidence, fact),
            site,
            f"alternatives are timed and the fastest is chosen at {spot(site)}; the two runs chose "
            "differently.",
            _FIX_HAND,
        )
    return None


def _by_library(evidence: Evidence) -> Finding | None:
    """A library reads a clock in a function that, by its name, looks for what is fastest."""
    if is_random(evidence):
        return None
    clocks, others = facts(evidence, Clock)
    for fact in reversed(clocks + others):
        if fact.detail.by is None or fact.site is None or not _TUNES.search(fact.detail.by.lower()):
            continue
        return Finding(
            0.85 * reach(evidence, fact),
            fact.site,
            f"{fact.detail.by}, called at {spot(fact.site)}, reads a clock: it times alternatives, and the "
            "two runs chose differently.",
            _FIX_HAND,
            subject=fact.detail,
        )
    return None


def match(evidence: Evidence) -> Finding | None:
    by_hand = _by_hand(evidence) or _by_library(evidence)
    if by_hand is not None:
        return by_hand
    divergence = evidence.divergence
    rows, _ = facts(evidence, Flag)
    last: dict[str, tuple[object, int]] = {}
    for number, fact in enumerate(rows):
        last[str(fact.detail.call)] = (fact.detail.value, number)
    for call, (value, number) in last.items():
        if (
            not ("benchmark" in call or "autotune" in call)
            or not value
            or str(value).lower() in ("false", "0")
        ):
            continue
        if "cudnn" in call and "cudnn" not in divergence.event.name:
            continue  # cuDNN tunes its own kernels only
        fact = rows[number]
        tuned = divergence.event.kind == "region" or any(part in divergence.event.name for part in _TUNED)
        if divergence.change != "value" or divergence.inputs_equal is False:
            tuned = False
        return Finding(
            (0.9 if tuned else 0.2) * reach(evidence, fact),
            fact.site,
            f"{call} is on (set at {spot(fact.site)}): kernels are timed in every run and the fastest is "
            "used, and another kernel rounds differently.",
            _FIX,
        )
    return None


def _change(patch: Patch, finding: Finding) -> str | None:
    draft = patch.draft(finding.site)
    assert finding.site is not None
    for node in draft.at(finding.site.line):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is True:
            draft.replace(node.value, "False")
            return None
    for call in calls_at(draft, finding.site.line, {"min", "max", "argmin", "argmax"}):
        above = draft.names.parent(call)
        if last_name(call).startswith("arg") or (isinstance(above, ast.Call) and last_name(above) == "index"):
            draft.replace(above if isinstance(above, ast.Call) and last_name(above) == "index" else call, "0")
        elif any(given.arg == "key" for given in call.keywords) and len(call.args) == 1:
            draft.replace(call, f"next(iter({draft.source(call.args[0])}))")
        else:
            continue
        return "always the first; or the one that a configuration names"
    raise UnclearPlace("how the choice is made is not plain")


BENCHMARK: Final = "torch.backends.cudnn.benchmark"
DETERMINISTIC: Final = "torch.backends.cudnn.deterministic"
_MAX: Final = ("max-autotune", "max-autotune-no-cudagraphs")
_INDUCTOR: Final = (
    "max_autotune",
    "max_autotune_gemm",
    "max_autotune_pointwise",
    "coordinate_descent_tuning",
)
_CHOSEN: Final = re.compile(r"determin|reproduc|repeat", re.IGNORECASE)


def rule(module: Module) -> Iterator[Hit]:
    text = module.text
    if "benchmark" in text or "autotune" in text:
        for node in module.every(ast.Assign):
            yield from _flag(module, node)
        for call, name, last in module.calls:
            yield from _call(module, call, name, last)


def _flag(module: Module, node: ast.Assign) -> Iterator[Hit]:
    for target in node.targets:
        for each, value in _each(target, node.value):
            if not isinstance(each, ast.Attribute) or not _is_on(module, value):
                continue
            if each.attr != "benchmark" and each.attr not in _INDUCTOR:
                continue
            name = module.names.qualified(each) or ""
            if name == BENCHMARK and not _opted_out(module, node):
                why = "cudnn.benchmark = True times cuDNN's algorithms in every run and takes the fastest."
                if _on_cuda(module, value):
                    why = why.replace(" = True", ", which is True on CUDA,")
                yield Hit(module.place(node), why, _FIX, mend=_turn_off)
            elif name.startswith("torch._inductor.config."):
                why = f"{each.attr} = True times kernels in every run and takes the fastest."
                yield Hit(module.place(node), why, _FIX, mend=_turn_off)


def _is_on(module: Module, value: ast.expr | None) -> bool:
    """Whether a value is True: always, on CUDA, or where a function is called as the file calls it."""
    return value is not None and (is_ever(module, value, True) or _on_cuda(module, value))


def _on_cuda(module: Module, value: ast.expr | None) -> bool:
    """Whether a value is True wherever there is CUDA."""
    if isinstance(value, ast.Name):
        values = module.names.values(value) or []
        return len(values) == 1 and module.names.called(values[0]) == "torch.cuda.is_available"
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) and value.value.id == "self":
        return any(
            isinstance(target, ast.Attribute)
            and target.attr == value.attr
            and module.names.called(node.value) == "torch.cuda.is_available"
            for node in module.every(ast.Assign)
            for target in node.targets
        )
    return value is not None and module.names.called(value) == "torch.cuda.is_available"


def _each(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """The targets of an assignment, with what each gets."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        yield from zip(target.elts, value.elts, strict=False)
    else:
        yield target, value


def _opted_out(module: Module, node: ast.AST) -> bool:
    """Whether something is in the branch that is taken where nobody asks for determinism."""
    below: ast.AST = node
    for above in module.names.parents(node):
        if isinstance(above, ast.If):
            negated = isinstance(above.test, ast.UnaryOp) and isinstance(above.test.op, ast.Not)
            asked = _CHOSEN.search(module.source(above.test)) is not None
            if asked and negated == (below in above.body):
                return True
            other = above.body if below in above.orelse else above.orelse
            if any(_sets(module, each) for each in other):
                return True
        if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef):
            break
        below = above
    return False


def _sets(module: Module, node: ast.stmt) -> bool:
    """Whether a statement turns on a deterministic setting."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            for each, value in _each(target, node.value):
                if is_constant(value, True) and module.names.qualified(each) == DETERMINISTIC:
                    return True
    return isinstance(node, ast.Expr) and module.names.called(node.value) in MODE


def _call(module: Module, call: ast.Call, name: str | None, last: str) -> Iterator[Hit]:
    if name == "torch.compile":
        options = arguments(module, call)
        mode, inner = literal(module, options.given(None, "mode")), options.given(None, "options")
        tuned = mode in _MAX
        if inner is not None:
            whole = arguments(module, ast.Call(call.func, [], [ast.keyword(None, inner)])).names
            tuned = tuned or any(is_constant(whole.get(name), True) for name in _INDUCTOR)
        if tuned:
            what = f"mode={mode!r}" if mode in _MAX else "max_autotune"
            why = f"torch.compile({what}) times kernels in every run and takes the fastest."
            yield Hit(module.place(call), why, "model = torch.compile(model)  # without max-autotune")
    elif last in ("Trainer", "Fabric") and (name or "").partition(".")[0] in (
        "lightning",
        "pytorch_lightning",
    ):
        if is_constant(keyword(call, "benchmark"), True):
            why = "Trainer(benchmark=True) sets cudnn.benchmark, which times algorithms in every run."
            yield Hit(module.place(call), why, "trainer = Trainer(benchmark=False, deterministic=True)")
    elif name == "setattr" and len(call.args) == 3:
        of, attribute, value = call.args
        on = is_constant(attribute, "benchmark") and _is_on(module, value)
        if on and module.names.qualified(of) == "torch.backends.cudnn" and not _opted_out(module, call):
            why = "cudnn.benchmark = True times cuDNN's algorithms in every run and takes the fastest."
            yield Hit(module.place(call), why, _FIX, mend=_set_off)


def _set_off(draft: Draft, node: ast.Call) -> None:
    """`setattr(cudnn, "benchmark", True)`."""
    if not isinstance(node.args[2], ast.Constant):
        raise UnclearPlace("what is set is not plain")
    draft.replace(node.args[2], "False")


def _turn_off(draft: Draft, node: ast.Assign) -> None:
    if not isinstance(node.value, ast.Constant):
        raise UnclearPlace("several flags are set at once")
    draft.replace(node.value, "False")


def confirm(project: Project, hits: Sequence[Hit]) -> Iterator[Hit]:
    """With the deterministic settings of a program that a hit is against."""
    settings: dict[str, Seen] = {}
    unset: set[SourcePlace] = set()
    for way in ways(project):
        last: dict[str, Seen] = {}
        strict: Seen | None = None
        for seen in way.program.trace:
            step = seen.step
            if step.kind == "set" and step.name in (BENCHMARK, DETERMINISTIC):
                value = step.args[0].text if step.args else ""
                if step.name == DETERMINISTIC and value == "True":
                    strict = strict or seen
                elif step.name == BENCHMARK:
                    before = last.get(BENCHMARK)
                    if value == "False" and before is not None and not seen.later and _plain(seen):
                        unset.add(before.step.place)
                    last[BENCHMARK] = seen
            elif strict is None and step.kind == "call" and step.name in MODE:
                given = step.given(0, "mode")
                if given is not None and given.text == "True":
                    strict = seen
        if strict is not None:
            for file in way.files:
                settings.setdefault(file, strict)
    for hit in hits:
        if hit.place in unset:
            continue
        against = settings.get(hit.place.file)
        if against is not None and "cudnn.benchmark" in hit.why:
            place = against.step.place
            here = place.file == hit.place.file
            where = f"line {place.line}" if here else f"{place.file}:{place.line}"
            why = f"{hit.why.removesuffix('.')}, against the deterministic setting of {where}."
            yield replace(hit, why=why, places=((place, "asks for determinism"),))
        else:
            yield hit


def _plain(seen: Seen) -> bool:
    """Whether a step runs in any case."""
    return not {"if", "else", "try", "except", "finally"} & set(seen.within)


CAUSE = Cause(
    name="autotuning",
    title="The fastest alternative is chosen by timing",
    what="`torch.backends.cudnn.benchmark = True`, `torch.compile(mode='max-autotune')`, or code that times "
    "several implementations and keeps the fastest.",
    why="Timings vary, so another alternative wins in another run, and it adds up in another order.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/notes/randomness.html#cuda-convolution-benchmarking",
        "https://docs.pytorch.org/docs/stable/backends.html#torch.backends.cudnn.benchmark",
        "https://github.com/pytorch/pytorch/issues/101246",
    ),
    match=match,
    mend=mends(_change),
    rule=Rule(file=rule, confirm=confirm),
    invalid=(
        "import torch\n\ntorch.backends.cudnn.benchmark = True\n",
        "import torch\n\nmodel = torch.compile(torch.nn.Linear(8, 8), mode='max-autotune')\n",
    ),
    valid=(
        "import torch\n\ntorch.backends.cudnn.benchmark = False\n",
        "import time\n\nstart = time.perf_counter()\nsum(range(1000))\nprint(time.perf_counter() - start)\n",
    ),
)
