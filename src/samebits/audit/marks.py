"""What a kept run says of findings: that it did what is found, or that it saw nothing of the file.

A record holds what the program did where it was watched, and the text of each file that it saw anything of.
So a finding can be confirmed, and a file can have stayed out of sight.  That a line did not run is in no
record: most lines do nothing that is watched.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Final, Literal

from samebits.audit.texts import Texts
from samebits.model.facts import (
    Clock,
    Completion,
    Create,
    Detail,
    Draw,
    Empty,
    Entropy,
    Fact,
    Flag,
    Hash,
    Iteration,
    Listing,
    Save,
    Seed,
    Sort,
    TorchDraw,
)
from samebits.model.finding import Finding
from samebits.record.run import Run

Mark = Literal["confirmed", "not exercised"]

_DRAWS: Final = (Draw, TorchDraw)
#: Rule -> the facts that a run leaves at a line that does what the rule finds.
SHOWN: Final[dict[str, tuple[type[Detail], ...]]] = {
    "address-order": (Iteration, Sort, Hash),
    "autotuning": (Flag,),
    "completion-order": (Completion,),
    "determinism-undone": (Flag,),
    "directory-order": (Listing,),
    "entropy-seed": (Seed, Entropy),
    "evaluation-draws": _DRAWS,
    "hash-order": (Iteration, Sort, Hash),
    "late-seed": _DRAWS,
    "lost-rng-state": (Save,),
    "reseeded-in-loop": (Seed, Create),
    "uninitialized-memory": (Empty,),
    "unseeded-library": _DRAWS,
    "unseeded-numpy-random": (Draw, Create),
    "unseeded-python-random": (Draw, Create),
    "unseeded-split": _DRAWS,
    "unseeded-torch-generator": (TorchDraw, Create),
    "wall-clock": (Clock,),
    "worker-generator": (Draw, Create),
    "worker-seed": (Seed,),
}


def marks(findings: Sequence[Finding], folder: Path, texts: Texts) -> tuple[Mark | None, ...]:
    """What the run in a folder says of each finding; None: nothing.

    Raises:
        RecordError: there is no run, or it cannot be read.
    """
    with Run.open(folder) as run:
        top = str(run.info.get("cwd") or os.getcwd())
        facts: dict[str, list[Fact[Detail]]] = {}
        seen: dict[str, str] = {}
        for record in run.records.values():
            seen |= {_whole(file, top): text for file, text in record.sources().items()}
            for fact in record.facts():
                if fact.site is not None:
                    facts.setdefault(_whole(fact.site.file, top), []).append(fact)
    here = os.getcwd()
    moved: dict[str, dict[int, int]] = {}
    found: list[Mark | None] = []
    for finding in findings:
        assert finding.hit is not None
        assert finding.site is not None
        name = _whole(finding.site.file, here)
        if name not in seen and name not in facts:
            found.append("not exercised")
            continue
        place = finding.hit.place
        _, first, last = texts.where(place)
        if name in seen and name not in moved:
            moved[name] = _moved(seen[name], texts.lines(place.file) if first == place.line else [])
        lines = {moved.get(name, {}).get(line, line) for line in range(first, last + 1)}
        shown = any(
            fact.site is not None and fact.site.line in lines and _shows(finding.cause, fact.detail)
            for fact in facts.get(name, ())
        )
        found.append("confirmed" if shown else None)
    return tuple(found)


def _shows(rule: str, detail: Detail) -> bool:
    if isinstance(detail, Draw) and rule.startswith("unseeded-") and detail.seeded:
        return False
    return isinstance(detail, SHOWN.get(rule, ()))


def _whole(file: str, top: str) -> str:
    return file if file.startswith(("cell ", "<")) else os.path.normpath(os.path.join(top, file))


def _moved(then: str, now: Sequence[str]) -> dict[int, int]:
    """Lines of a file as it is -> those of the file as it ran; of lines that it did not have, 0."""
    old = then.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not now or old == list(now):
        return {}
    found = dict.fromkeys(range(1, len(now) + 1), 0)
    for block in SequenceMatcher(None, list(now), old, autojunk=False).get_matching_blocks():
        found |= {block.a + i + 1: block.b + i + 1 for i in range(block.size)}
    return found
