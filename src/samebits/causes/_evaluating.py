"""What evaluates a model: functions and loaders, by what they are called."""

from __future__ import annotations

import re
from typing import Final

from samebits.source.summary import SourceStep

_EVALUATES: Final = re.compile(
    r"(^|_)(eval|evaluate|evaluation|valid|validate|validation|val|test|estimate_loss|generate|preview|"
    r"sample_images?|sample_grid|sample_text|generate_(samples?|images?|text)|check_accuracy|infer|inference|"
    r"predict|compute_metrics)(_epoch|_step|_model|_loss|_loop|_one_epoch|$)",
    re.IGNORECASE,
)
_TRAINING: Final = re.compile(r"(^|_)train(_|$|ing|er)?|fit|backward", re.IGNORECASE)


_OF_EVALUATION: Final = re.compile(
    r"(^|_|\.)(eval|evaluation|valid|validation|val|test|dev|held)(_|$|loader|set|dl)", re.IGNORECASE
)


def of_evaluation(loader: SourceStep) -> bool:
    """Whether a loader, by the names of its dataset and its variable, is for evaluation."""
    given = loader.given(0, "dataset")
    words = re.split(r"[^\w.]+", f"{loader.target} {given.text if given is not None else ''}")
    return any(_OF_EVALUATION.search(word) for word in words) and not any("train" in word for word in words)


def evaluates(name: str) -> bool:
    """Whether a function, by its name, evaluates a model and does not train it."""
    return bool(_EVALUATES.search(name)) and not _TRAINING.search(name)
