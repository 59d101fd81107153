"""What the source says of variables: what a loop sets anew, and what something computes with."""

from __future__ import annotations

import pytest

from samebits.trials.resume.places import Places

SOURCE = """
import torch

class Trainer:
    def __init__(self):
        self.seen = 0
        self.told = 0

    def fit(self, batches):
        best = 0.0
        running = 0.0
        for step, x in enumerate(batches):
            loss = self.loss(x, step)
            running += loss.item()
            best = max(best, loss.item())
            self.seen += 1
            self.told += 1
            print(self.told, running)

    def loss(self, x, step):
        return x.sum() * (0.9 ** self.seen)

done = 0
while done < 10:
    row = done * 2
    done += 1
    lessons = {"a": row}
"""


@pytest.fixture(scope="module")
def places() -> Places:
    return Places({"train.py": SOURCE, "broken.py": "def ("})


@pytest.mark.parametrize(
    ("path", "anew"),
    [
        ("Trainer.fit.loss", True),
        ("Trainer.fit.x", True),
        ("row", True),
        ("row[0]", True),
        ("Trainer.fit.best", False),
        ("Trainer.fit.running", False),
        ("Trainer.fit.step", False),  # where the program is
        ("done", False),
        ("Trainer.self.seen", False),
        ("rows", False),
    ],
)
def test_what_a_loop_sets_anew(places: Places, path: str, anew: bool) -> None:
    assert places.is_temporary(path) is anew


@pytest.mark.parametrize(
    ("path", "reaches"),
    [
        ("Trainer.self.seen", True),
        ("Trainer.self.told", False),  # printed alone
        ("done", True),
        ("Trainer.fit.running", False),
        ("nobody", False),
    ],
)
def test_what_is_computed_with(places: Places, path: str, reaches: bool) -> None:
    assert places.reaches(path) is reaches


@pytest.mark.parametrize(
    ("source", "carried"),
    [
        ("out, h = rnn(x, h.detach())", True),
        ("out, (h, c) = rnn(x, (h, c))", True),
        ("self.h = self.cell(x, state=self.h)", True),
        ("h = h + step(x)", False),  # a sum that is only told
        ("out, h = rnn(x)", False),
    ],
)
def test_what_a_step_carries_on(source: str, carried: bool) -> None:
    assert Places({"train.py": source}).is_carried("main.h") is carried


@pytest.mark.parametrize(
    ("source", "inside"),
    [
        ("def f():\n    def g():\n        nonlocal t\n        t = 1\n", True),
        ("def f():\n    t = 1\n    while True:\n        t *= 2\n        yield t\n", True),
        ("def f():\n    t = 1\n    return t\n", False),
        ("def f(self):\n    t = self.t\n    yield t\n", False),  # an attribute, too
    ],
)
def test_a_variable_inside_of_a_function(source: str, inside: bool) -> None:
    assert Places({"train.py": source}).is_inside("t") is inside


@pytest.mark.parametrize(
    ("source", "dead"),
    [
        ("ema.update(net)\nema.step()", True),
        ("self.ema.update(net)", True),
        ("ema.update(net)\nevaluate(ema)", False),
        ("ema.update(net)\ntorch.save(ema.state_dict(), path)", False),
        ("loss = ema.update(net)", False),
        ("ema.update(net)\nema.copy_to(net)", False),
        ("ema.update(net)\nema.apply_shadow()\nema.restore()", False),
        ("net(x)", False),
    ],
)
def test_an_average_that_is_only_kept_up(source: str, dead: bool) -> None:
    assert Places({"train.py": source}).is_only_updated("main.ema") is dead
