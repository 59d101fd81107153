"""The digest of a value is that of its content."""

from __future__ import annotations

import random
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch

from samebits.observe.census.content import digest, has_numbers, is_number, leaves, written


@pytest.mark.parametrize(
    ("value", "same"),
    [
        ({"a": 1, "b": [2, 3]}, OrderedDict([("b", (2, 3)), ("a", 1)])),
        (torch.arange(6.0).reshape(2, 3).t(), torch.arange(6.0).reshape(2, 3).t().contiguous()),
        (np.arange(4), np.arange(4).copy()),
        ({1, 2, 3}, {3, 2, 1}),
        (random.Random(3).getstate(), random.Random(3).getstate()),
    ],
)
def test_equal_content(value: Any, same: Any) -> None:
    assert digest(value) == digest(same)


@pytest.mark.parametrize(
    ("value", "other"),
    [
        ({"a": 1}, {"a": 2}),
        ([1, 2], [2, 1]),
        (torch.zeros(2), torch.zeros(2, dtype=torch.float64)),
        (torch.tensor([1.0, 2.0]), torch.tensor([2.0, 1.0])),
        (0.0, -0.0),
        (1, 1.0),
        (np.zeros((2, 3)), np.zeros((3, 2))),
    ],
)
def test_other_content(value: Any, other: Any) -> None:
    assert digest(value) != digest(other)


def test_plain_values_are_kept_as_they_are() -> None:
    assert written(5) == "=5"
    assert written(0.5, "rate") == "=0.5"
    assert written("sk-123") == digest("sk-123")  # a text may be a secret
    assert written(1234, "api_token") == digest(1234)


def test_leaves_have_the_path_of_their_keys() -> None:
    found = dict(leaves({"a": {"b": [1, {"c": 2}]}}))
    assert found["a.b[1].c"] == 2
    assert found["a"] == {"b": [1, {"c": 2}]}


def test_what_holds_itself_ends() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    assert digest(loop)
    assert len(list(leaves(loop))) < 50


def test_a_single_number_identifies_nothing() -> None:
    assert is_number(torch.tensor(3.0))
    assert not is_number(torch.zeros(2))


def test_whether_there_is_a_gradient() -> None:
    sparse = torch.sparse_coo_tensor(torch.tensor([[1]]), torch.tensor([0.5]), (3,), check_invariants=False)
    given = (None, torch.zeros(3), torch.tensor([0.0, 1e-30]), sparse, sparse * 0)
    assert [has_numbers(gradient) for gradient in given] == [False, False, True, True, False]
