"""Whether generators are still in the streams that `seed_everything` gave them."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from samebits import seed_everything
from samebits.seeding import remembered

pytestmark = pytest.mark.usefixtures("generators_restored")


def test_drawing_is_followed_and_seeding_anew_is_not() -> None:
    seed_everything(2**100)
    fresh = {"seed": str(2**100), "python": True, "numpy": True, "torch": True}
    assert remembered.still_seeded() == fresh
    for _ in range(2000):
        random.random()
    np.random.rand(2000)
    torch.rand(2000)
    before = random.getstate()
    assert remembered.still_seeded() == fresh
    assert random.getstate() == before
    random.seed(1)
    np.random.seed(1)
    torch.seed()
    assert remembered.still_seeded() == fresh | dict.fromkeys(("python", "numpy", "torch"), False)


def test_what_is_too_far_ahead_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    seed_everything(5, scheme="offset")
    monkeypatch.setattr(remembered, "_BLOCKS", 3)
    random.getrandbits(32 * 624 * 2)
    np.random.bytes(4 * 624 * 9)
    assert remembered.still_seeded() == {"seed": "5", "python": True, "numpy": False, "torch": True}
