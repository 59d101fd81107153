"""How often a program logs: its interval is halved where one is found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from samebits.control.change import Change
from samebits.control.changes import _numbers
from samebits.control.told import TrialPlan

_NAME: Final = "logging"
_EVERY: Final = (
    r"(?:interval|every|freq|frequency|steps?|period|iters?|every_n|every_n_(?:steps|iters|batches))"
)
_WHAT: Final = r"(?:log|logging|logger|print|printing|report|display|summary|tb|tensorboard|wandb)"
MEANT: Final = _numbers.Meant(
    rf"(?:\w+_)?{_WHAT}_{_EVERY}",
    rf"(?:every|interval|freq|steps_per|iters_per)_{_WHAT}",
    rf"n_{_WHAT}_every",
)
#: Where a program gives none: half of what the framework takes.
_DEFAULTS: Final = (
    ("pytorch_lightning.trainer.trainer", "Trainer", "log_every_n_steps", 25),
    ("lightning.pytorch.trainer.trainer", "Trainer", "log_every_n_steps", 25),
    ("transformers.training_args", "TrainingArguments", "logging_steps", 250),
)


def _words(given: Sequence[str]) -> Sequence[str]:
    return _numbers.words(_NAME, MEANT, given)


def _install() -> Callable[[], None]:
    if not TrialPlan.here().by_name:
        return lambda: None
    _, undo = _numbers.install(_NAME, MEANT, _DEFAULTS)
    return undo


CHANGES = (
    Change(
        name=_NAME,
        what="logged more often",
        why="what is done for a log line draws numbers or changes a value that the training reads.",
        install=_install,
        words=_words,
        tells=True,
    ),
)
