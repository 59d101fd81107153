"""What is said of runs that agree: from what their records hold, and nothing where there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.compare.written import kept, write

from samebits.compare import compare_all
from samebits.compare.risks import Passes
from samebits.model.events import OWN_GENERATOR, RANDOM, Event
from samebits.model.facts import Completion, Create, Detail, Draw, File, Iteration, Listing
from samebits.model.sites import Site
from samebits.record.run import Run


def _said(
    tmp: Path, main: Sequence[Detail] = (), workers: Sequence[Sequence[Detail]] = ()
) -> tuple[str, ...]:
    paths = []
    for name in ("a", "b"):
        path = tmp / name
        path.mkdir()
        for number, facts in enumerate(workers, 1):
            key = f"main/Process-{number}"
            write(path / f"worker{number}.db", [[]], process=key, facts=[(0, fact) for fact in facts])
        paths.append(kept(path, [[("loss", "loss", 1)]], facts=[(0, fact) for fact in main]))
    verdict = compare_all([Run.open(each) for each in paths])
    assert verdict.verdict == "same", verdict.reason
    return verdict.risks


def _draw(state: int, generator: str = "numpy", number: int = 0, thread: int = 0) -> Draw:
    return Draw(generator=generator, id=number, state=state, n=0, seeded=True, thread=thread)


ALIKE = "2 worker processes (main/Process-1, main/Process-2) began with one state"


@pytest.mark.parametrize(
    ("workers", "said"),
    [
        ([[_draw(5)], [_draw(5)]], ALIKE),
        ([[_draw(5, "numpy.Generator", 3)], [_draw(5, "numpy.Generator", 3)]], ALIKE),
        ([[_draw(5)], [_draw(6)]], None),
        ([[_draw(5), _draw(7)], [_draw(6), _draw(7)]], None),  # only where they began
        (
            # made in each worker, from the sample's number: meant
            [[Create(generator="numpy.Generator", id=3, seeded=True), _draw(5, "numpy.Generator", 3)]] * 2,
            None,
        ),
    ],
)
def test_workers_that_began_alike(
    tmp_path: Path, workers: Sequence[Sequence[Detail]], said: str | None
) -> None:
    risks = _said(tmp_path, workers=workers)
    assert [risk[: len(ALIKE)] for risk in risks] == ([said] if said else [])


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ([_draw(1), _draw(2, thread=1)], "2 threads draw from one generator (numpy)"),
        ([_draw(1), _draw(2)], None),
        ([Completion(call="as_completed", order=7, content=1, n=4)], "as_completed at an unknown line gives"),
        ([Completion(call="as_completed", order=7, content=1, n=1)], None),
        ([Iteration(what="for", by="hash", order=1, content=2, n=3)], "the order of a set of strings"),
        ([Iteration(what="for", by="value", order=1, content=2, n=3)], None),
        (
            [Listing(call="os.listdir", path="data", order=1, content=2, n=3), File(path="data/a.txt")],
            "os.listdir of data at an unknown line is not sorted",
        ),
        ([Listing(call="os.listdir", path="data", order=1, content=2, n=3), File(path="other/a.txt")], None),
        (
            [Listing(call="glob.glob", path="data/*.txt", order=1, content=2, n=3), File(path="data/a.txt")],
            "glob.glob of data/*.txt at an unknown line is not sorted",
        ),
        (
            [Listing(path="data", order=1, content=2, n=3, by="lib.Store"), File(path="data/a.txt")],
            None,  # it may have sorted them
        ),
        (
            [Listing(call="os.listdir", path="data", order=1, content=1, n=3), File(path="data/a.txt")],
            None,
        ),  # sorted
        ([], None),
    ],
)
def test_what_was_kept_by_chance(tmp_path: Path, facts: Sequence[Detail], said: str | None) -> None:
    risks = _said(tmp_path, facts)
    assert len(risks) == (said is not None)
    assert not said or risks[0].startswith(said)


def _event(index: int, line: int, kind: str = "op", **more: Any) -> Event:
    more = {"name": "aten::mul", "phase": "other", "step": 1, "flags": 0} | more
    return Event(index, kind, digest=1, site=Site("train.py", line), **more)


def _seed(line: int, **more: Any) -> Event:
    """A loader takes its seed at the line of its batches."""
    return _event(0, line, **({"name": "aten::random_", "flags": RANDOM} | more))


def _batch(line: int, **more: Any) -> Event:
    return _event(0, line, "batch", name="batch[0]", phase="data", **more)


TRAINED = [
    _seed(18),
    _batch(18),
    _event(0, 19, phase="backward"),
    _batch(18),
    _event(0, 19, phase="backward"),
]
EVALUATED = [_seed(13), _batch(13), _event(0, 14), _batch(13)]


@pytest.mark.parametrize(
    ("events", "lines"),
    [
        ([*TRAINED, *EVALUATED, *TRAINED], [13]),
        ([*TRAINED, *EVALUATED[1:], *TRAINED], []),  # a generator of its own: nothing is drawn
        ([*TRAINED, _seed(13, flags=RANDOM | OWN_GENERATOR), *EVALUATED[1:], *TRAINED], []),
        ([*TRAINED, *(replace(event, step=9) for event in EVALUATED)], []),  # after the last step
        ([*EVALUATED, *EVALUATED], []),  # nothing is trained
        # drawn amid the batches, dropout for one
        ([*TRAINED, _batch(13), _event(0, 14, flags=RANDOM), _batch(13), *TRAINED], [14]),
        (
            [*TRAINED, _batch(13), _event(0, 30, flags=RANDOM), *TRAINED[1:]],
            [],
        ),  # after them, for the training
        ([*TRAINED, None, _event(0, 19, phase="backward"), *EVALUATED, None, *TRAINED], [13]),
        ([*TRAINED, *EVALUATED, None, _event(0, 19, phase="backward"), *TRAINED], [13]),
    ],
)
def test_an_evaluation_that_draws_from_the_trainings_generator(
    events: Sequence[Event | None], lines: Sequence[int]
) -> None:
    passes = Passes()
    for event in events:
        passes.skip() if event is None else passes.see(event)
    assert [draw.site and draw.site.line for draw in passes.evaluations(steps=9)] == lines
