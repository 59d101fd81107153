"""How often a program evaluates: more often, or as if it never had.

Where user code has a number of a name such as `eval_interval`, that is halved.  Else each evaluation leaves
the process-wide generators as they were before it: what it draws is taken back, as if it had been left out
(`control/changes/_evaluations.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from samebits.control.change import Change
from samebits.control.changes import _numbers
from samebits.control.changes._evaluations import Evaluations
from samebits.control.told import TrialPlan

_NAME: Final = "evaluation"
_WHAT: Final = r"(?:eval|evals|evaluate|evaluation|evaluating|val|valid|validate|validation|test|testing)"
_EVERY: Final = (
    r"(?:interval|every|freq|frequency|steps?|period|epochs?|every_n|every_n_(?:epochs?|steps|iters|batches)"
    r"|step_interval|epoch_interval|interval_(?:steps|epochs|iters))"
)
MEANT: Final = _numbers.Meant(
    rf"(?:\w+_)?(?:do_)?{_WHAT}_{_EVERY}",
    rf"(?:every|interval|freq|steps_per|epochs_per|iters_per)_{_WHAT}",
    rf"n_{_WHAT}_every|(?:check_)?{_WHAT}_(?:check_)?(?:interval|every_n_epoch)|epoch_{_WHAT}_interval",
)
#: Where a program gives none: every second epoch is evaluated, where the framework evaluates each.
_DEFAULTS: Final = (
    ("pytorch_lightning.trainer.trainer", "Trainer", "check_val_every_n_epoch", 2),
    ("lightning.pytorch.trainer.trainer", "Trainer", "check_val_every_n_epoch", 2),
)


def _words(given: Sequence[str]) -> Sequence[str]:
    return _numbers.words(_NAME, MEANT, given)


def _install() -> Callable[[], None]:
    if not TrialPlan.here().by_name:
        return Evaluations(_NAME, lambda: True).install()
    step, undo = _numbers.install(_NAME, MEANT, _DEFAULTS)
    taken_back = Evaluations(_NAME, lambda: not step.found)
    end = taken_back.install()

    def both() -> None:
        end()
        undo()

    return both


CHANGES = (
    Change(
        name=_NAME,
        what="evaluated more often, or as if never",
        why="an evaluation moves the generators that the training draws from, or leaves the model in another "
        "mode: put their states back (samebits.preserved()), or give it generators of its own.",
        install=_install,
        words=_words,
        tells=True,
        cause="rng-drift",
    ),
)
