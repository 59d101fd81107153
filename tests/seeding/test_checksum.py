"""The checksum tells apart whatever differs, and nothing that a file or a framework may change."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from samebits.seeding.checksum import checksum

DIFFERENT: list[Any] = [
    None, True, False, 0, 1, -1, 2**130, 0.0, -0.0, 1.0, float("nan"), "", "0", "1", "None", "True", [], {},
    [[]], [None], ["ab"], ["a", "b"], ["", "ab"], [1, 2], [2, 1], {"a": 1}, {"a": 2}, {"b": 1},
    {"a": {"b": 1}}, {"a": {}, "b": 1}, torch.zeros(0), torch.zeros(1), torch.zeros(2), torch.zeros(1, 2),
    torch.zeros(2, 1),
    torch.zeros(2, dtype=torch.int32), torch.zeros(1, dtype=torch.int64), torch.tensor(0),
    torch.tensor([0, 1]), torch.tensor([1, 0]), torch.tensor([-0.0]),
]  # fmt: skip


def test_what_differs_is_told_apart() -> None:
    for one, other in itertools.combinations(DIFFERENT, 2):
        assert checksum(one) != checksum(other), (one, other)


def test_order_of_keys_kinds_of_lists_and_layout_do_not_count() -> None:
    assert checksum({"a": 1, "b": [2]}) == checksum({"b": (2,), "a": 1})
    square = torch.arange(6).reshape(2, 3)
    assert checksum(square.t()) == checksum(square.t().contiguous())


@pytest.mark.parametrize("value", [object(), {1: 2}, np.zeros(2), np.float32(1), b"x", {1}])
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="plain data"):
        checksum([value])


def test_known_answer() -> None:
    assert checksum({"a": [1, 2.5, None, True, "x"], "b": torch.arange(3)}) == KNOWN


KNOWN = "b8e9a15ddb9fad412ef798c4be391ac1"
