"""What a person reads of a checkpoint that loses something."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Literal

from rich.console import Console

from samebits.model.sites import Site
from samebits.report.resume import print_resumed
from samebits.trials.resume.outcome import Missing, Resumed, Trial

LOST = Missing(
    "scheduler",
    "main.schedule",
    "not saved",
    "its state is another as the first step begins",
    '"schedule": schedule.state_dict(),',
    Site("train.py", 47, "main"),
    Site("train.py", 20, "main"),
)
TRIAL = Trial("loses", "kill", 130, 120, 80, 121, "the loss", (LOST,), checkpoint="last.pt", runs=("a", "b"))
LOSES = Resumed("loses", 200, 9.0, (TRIAL, replace(TRIAL, word="complete", missing=())), asked=2)


def _shown(resumed: Resumed, detail: Literal["quiet", "normal", "verbose"] = "normal") -> str:
    out = io.StringIO()
    print_resumed(resumed, Console(file=out, width=90, no_color=True), detail=detail)
    return out.getvalue()


def test_what_is_lost_where_it_is_saved_and_what_to_add() -> None:
    text = _shown(LOSES)
    assert text.splitlines()[0] == "LOSES  the learning-rate scheduler (1 of 2 trials)"
    assert "train.py:47" in text
    assert "it is not in the checkpoint" in text
    assert '    "schedule": schedule.state_dict(),' in text
    assert "Interrupted by SIGKILL after 130 steps, it went on from step 120 (last.pt)" in " ".join(
        text.split()
    )


def test_one_line_or_every_trial() -> None:
    assert _shown(LOSES, "quiet").count("\n") == 1
    assert "runs a, b" in _shown(LOSES, "verbose")
    assert "runs a, b" not in _shown(LOSES)


def test_complete_and_failed() -> None:
    done = Resumed(
        "complete", 200, 9.0, (Trial("complete", "term", 130, 120, 80),), asked=3, interrupted=True
    )
    assert _shown(done).startswith(
        "COMPLETE  every step after the restart has the bits of the whole run (1 trial"
    )
    assert "of 3, then interrupted" in " ".join(_shown(done).split())
    assert "One restart was tried, at step 120" in " ".join(_shown(done).split())
    failed = Resumed("failed", 0, 1.0, (), "the whole run failed with exit code 1\nbang \x1b[31m", asked=3)
    assert "bang \\x1b[31m" in _shown(failed)
