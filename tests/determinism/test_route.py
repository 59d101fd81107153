"""Who answers where our function steps aside and torch's kernel alerts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from samebits.determinism.mode import deterministic
from samebits.determinism.route import route
from samebits.determinism.settings import Settings
from samebits.errors import DeterminismError
from samebits.model.operators import OPERATIONS

ROW = next(row for row in OPERATIONS if row.name == "put")


def call(*tensors: Tensor) -> Any:
    """A kernel that alerts as torch's do, before it looks at its arguments."""

    def native(keys: Any, *args: Tensor) -> str:
        if torch.are_deterministic_algorithms_enabled():
            raise RuntimeError(
                "x_cuda does not have a deterministic implementation, but you set "
                "'torch.use_deterministic_algorithms(True)'."
            )
        if args[0].dtype != args[1].dtype:
            raise TypeError("other dtypes")
        args[0].fill_(7)
        return "native"

    with deterministic(replace="none"):
        return route(Settings)(ROW, lambda *_: NotImplemented, native)(None, *tensors)


@pytest.mark.parametrize("empty", [0, 1])
def test_nothing_to_add_or_nowhere_to_add_it(empty: int) -> None:
    tensors = [torch.ones(2), torch.ones(2), torch.ones(2)]
    tensors[empty] = torch.ones(0)
    assert call(*tensors) == "native"


def test_an_option_that_is_not_used_says_nothing_of_the_order() -> None:
    """As the mask of `deform_conv2d`, an empty tensor where there is none."""
    first = torch.ones(2)
    with pytest.raises(DeterminismError, match="x_cuda is not deterministic"):
        call(first, torch.ones(2), torch.ones(0))
    assert first.tolist() == [1, 1]


def test_wrong_arguments_are_torchs_affair() -> None:
    with pytest.raises(TypeError, match="other dtypes"):
        call(torch.ones(2), torch.ones(2, dtype=torch.int))
