"""What a batch holds, in a fixed order, whatever it is made of."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from samebits.observe.batches import as_tensor, leaves, unwrapped

Pair = namedtuple("Pair", "left right")


@dataclass
class Sample:
    image: Any
    label: Any


class Selfish:
    def __init__(self) -> None:
        self.number = 3
        self.me = self
        self.family = [self, {"parent": self}]


def test_leaves_of_nested_containers() -> None:
    batch = {"b": [1, (2, 3)], "a": Pair(4, None), "c": Sample(5, [6])}
    assert list(leaves(batch)) == [1, 2, 3, 4, 5, 6]


def test_a_batch_that_holds_itself_ends() -> None:
    ring: list[Any] = [1]
    ring.append(ring)
    assert list(leaves([ring, Selfish(), ring])) == [1, 3, 1]


def test_tensors_and_arrays_are_leaves() -> None:
    x = torch.ones(3)
    x.note = "an attribute"  # type: ignore[attr-defined]
    array = np.ones(2)
    found = list(leaves([x, array, torch.Tensor]))
    assert found[0] is x
    assert found[1] is array


@pytest.mark.parametrize("value", [1, 2.5, True, 1j, "text", b"bytes", "\ud800", np.float32(3), np.arange(4)])
def test_what_has_bytes_is_a_tensor(value: Any) -> None:
    tensor = as_tensor(value)
    assert tensor is not None
    assert tensor.numel() >= 1


@pytest.mark.parametrize("value", [object(), np.array(["text"]), 10**30, {1, 2}, len])
def test_what_has_none_is_not(value: Any) -> None:
    assert as_tensor(value) is None


def test_texts_differ_and_empty_ones_do_no_harm() -> None:
    assert not torch.equal(as_tensor("ab"), as_tensor("ba"))  # type: ignore[arg-type]
    assert as_tensor("").numel() == as_tensor(b"").numel() == 0  # type: ignore[union-attr]


def test_a_plain_tensor_is_not_unwrapped() -> None:
    x = torch.nn.Parameter(torch.ones(2))
    assert list(unwrapped(x)) == [x]
