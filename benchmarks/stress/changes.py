"""How each change is made by hand: variables of the environment, patches, and edits of a copy of the program.

The patches are in `outside/`, which a changed run has on its path.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import corpus

OUTSIDE = Path(__file__).resolve().parent / "outside"

#: What the caller's shell may set and the runs must not see.
CLEARED = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "ATEN_CPU_CAPABILITY",
    "TZ",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_TIME",
    "STRESS_CHANGE",
    "STRESS_OUT",
)

#: What all runs have.  One thread waits for no other on a busy machine.
COMMON = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "LANG": "C.UTF-8", "TZ": "UTC0"}

Edit = Callable[[str], str]


@dataclass(frozen=True)
class Variant:
    """One way to make a change: "evaluation" has two."""

    change: str
    name: str  # of the way; that of the change, if there is one only
    environment: dict[str, str] = field(default_factory=dict)
    edit: Edit | None = None  # of the text of each source file
    elsewhere: bool = False  # in another folder


def variants(entry: corpus.Entry) -> list[Variant]:
    """Every change that can be made to the program, in every way."""
    text = "\n".join(path.read_text("utf-8") for path in entry.sources())
    found = [
        Variant("hash-seed", "hash-seed", {"PYTHONHASHSEED": "12345"}),
        Variant("listing-order", "listing-order", {"STRESS_CHANGE": "listing-order"}),
        Variant("threads", "threads", {"OMP_NUM_THREADS": "2"}),
        Variant("cpu-capability", "cpu-capability", {"ATEN_CPU_CAPABILITY": "default"}),
        *(
            Variant(name, name, {"STRESS_CHANGE": name})
            for name in ("num-workers", "prefetch", "persistent-workers")
            if "Loader" in text
        ),
        *_evaluation(entry),
    ]
    if entry.logging_every:
        found.append(Variant("logging", "logging", edit=halved(entry.logging_every)))
    return [
        *found,
        Variant("extra-draw", "extra-draw", {"STRESS_CHANGE": "extra-draw"}),
        Variant("unused-layer", "unused-layer", edit=with_unused_layer),
        Variant("nan-memory", "nan-memory", {"STRESS_CHANGE": "nan-memory"}),
        Variant("start-time", "start-time", {"STRESS_CHANGE": "start-time"}),
        Variant("time-zone", "time-zone", {"TZ": "<+0530>-5:30"}),
        Variant("locale", "locale", {"LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8"}),
        Variant("working-folder", "working-folder", elsewhere=True),
        Variant("micro-batches", "micro-batches", edit=with_split_batches),
    ]


def _evaluation(entry: corpus.Entry) -> list[Variant]:
    if entry.evaluation is None:
        return []
    often = halved(entry.evaluation_every) if entry.evaluation_every else decorated(entry.evaluation, "twice")
    return [
        Variant("evaluation", "evaluation often", edit=often),
        Variant("evaluation", "evaluation put back", edit=decorated(entry.evaluation, "put_back")),
    ]


def halved(constant: str) -> Edit:
    """The number that the constant is set to, halved: what is done every so many steps is done more often."""

    def edit(text: str) -> str:
        return re.sub(
            rf"^({constant} = )(\d+)$", lambda m: m[1] + str(max(1, int(m[2]) // 2)), text, flags=re.MULTILINE
        )

    return edit


def decorated(function: str, decorator: str) -> Edit:
    """The function with a decorator of `outside/by_hand.py`, outermost."""

    def edit(text: str) -> str:
        pattern = rf"^([ ]*)((?:@.*\n[ ]*)*def {function}\()"
        return re.sub(
            pattern, rf"\1@__import__('by_hand').{decorator}\n\1\2", text, count=1, flags=re.MULTILINE
        )

    return edit


def with_unused_layer(text: str) -> str:
    """A layer that nobody uses, directly before the statement that makes the model."""
    lines = text.splitlines()
    for node in _model(text):
        indent = " " * node.col_offset
        lines.insert(node.lineno - 1, f"{indent}__import__('torch').nn.Linear(7, 5)")
    return "\n".join(lines) + "\n"


def with_split_batches(text: str) -> str:
    """The model's forward in two halves of the batch, as soon as the model is made."""
    lines = text.splitlines()
    for node in _model(text):
        indent = " " * node.col_offset
        lines.insert(node.end_lineno or node.lineno, f"{indent}__import__('by_hand').split(model)")
    return "\n".join(lines) + "\n"


def replaced(pairs: tuple[tuple[str, str], ...]) -> Edit:
    """Each text in place of the other, everywhere."""

    def edit(text: str) -> str:
        for old, new in pairs:
            text = text.replace(old, new)
        return text

    return edit


def _model(text: str) -> list[ast.Assign]:
    """The statement `model = ...`, if the file has it; there is one in a program."""
    found = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == "model"
    ]
    if len(found) > 1:
        raise ValueError(f"{len(found)} statements make the model")
    return found
