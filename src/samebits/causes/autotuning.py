"""Alternatives are timed and the fastest is used: `cudnn.benchmark`, `max_autotune`, or by hand."""

from __future__ import annotations

import ast
import re
from typing import Final

from samebits.causes._edits import UnclearPlace
from samebits.causes._evidence import facts, is_random, outside, reach, spot
from samebits.causes._patch import Patch, mends
from samebits.causes._source import follow, is_clock, text_of
from samebits.causes._trace import calls_at, last_name
from samebits.model.cause import Cause, Evidence
from samebits.model.facts import Clock, Flag
from samebits.model.finding import Finding
from samebits.model.sites import Site

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
    invalid=(
        "import torch\n\ntorch.backends.cudnn.benchmark = True\n",
        "import time\n\ntimes = {}\nfor name, work in {'a': sum, 'b': max}.items():\n"
        "    start = time.perf_counter()\n    work(range(1000))\n"
        "    times[name] = time.perf_counter() - start\nbest = min(times, key=times.get)\n",
    ),
    valid=(
        "import torch\n\ntorch.backends.cudnn.benchmark = False\n",
        "import time\n\nstart = time.perf_counter()\nsum(range(1000))\nprint(time.perf_counter() - start)\n",
    ),
)
