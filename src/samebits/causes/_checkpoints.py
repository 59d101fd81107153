"""Whether training goes on from what a run loaded, or looks at it alone."""

from __future__ import annotations

from typing import Final

from samebits.causes._evidence import of_kind
from samebits.model.cause import Evidence
from samebits.model.facts import Load

_PROGRESS: Final = ("optim", "epoch", "step", "iter", "sched", "param_groups")


def goes_on(evidence: Evidence, *, in_a: bool) -> bool | None:
    """Whether training goes on from what a run loaded; None where that was no checkpoint at all.

    A model alone may be loaded to be looked at, or to begin with; an optimizer, or a count of steps, is
    loaded to go on.
    """
    rows = of_kind(evidence.a if in_a else evidence.b, Load)
    into = [fact for fact in rows if "load_state_dict" in str(fact.detail.call)]
    keys = {str(key).lower() for fact in rows for key in fact.detail.keys or ()}
    kept = any(word in key for key in keys for word in _PROGRESS)
    if not into and not kept:
        return False if any(word in key for key in keys for word in ("model", "state_dict")) else None
    return kept or any("optim" in str(fact.detail.call).lower() for fact in into)
