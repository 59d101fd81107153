"""One kernel in the dispatcher, replaced and put back."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from samebits._runtime.kernels import Override, has_kernel

_SINE = "aten::sin"


def test_a_devices_kernel() -> None:
    x = torch.ones(3)
    override = Override(_SINE, "cpu", lambda native: lambda keys, x: native(keys, x) + 1)
    try:
        assert torch.equal(x.sin(), x.clone().sin_() + 1)  # another operation is as ever
    finally:
        override.remove()
    assert torch.equal(x.sin(), x.clone().sin_())


def test_one_above_another() -> None:
    x = torch.zeros(3)
    first = Override(_SINE, "cpu", lambda native: lambda keys, x: native(keys, x) + 1)
    second = Override(_SINE, "cpu", lambda native: lambda keys, x: native(keys, x) * 3)
    try:
        assert torch.equal(x.sin(), torch.full((3,), 3.0))
        second.remove()
        assert torch.equal(x.sin(), torch.ones(3))
    finally:
        first.remove()
    assert torch.equal(x.sin(), x)


def test_a_kernel_that_all_devices_share() -> None:
    """Above autograd, which sees what it calls."""
    seen = []

    def made(native: Any) -> Any:
        def call(keys: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(args)
            return native(keys, *args, **kwargs) * 2

        return call

    x = torch.ones(1, 1, 2, 4, requires_grad=True)
    attention = torch.nn.functional.scaled_dot_product_attention
    plain = attention(x, x, x)
    override = Override("aten::scaled_dot_product_attention", "CompositeImplicitAutograd", made)
    try:
        doubled = attention(x, x, x)
    finally:
        override.remove()
    assert len(seen) == 1
    assert torch.equal(doubled, plain * 2)
    assert doubled.requires_grad
    assert torch.equal(attention(x, x, x), plain)


@pytest.mark.parametrize(
    ("schema", "key", "there"),
    [
        (_SINE, "cpu", True),
        (_SINE, "CPU", True),
        ("aten::dropout", "cpu", False),
        ("aten::dropout", "CompositeImplicitAutograd", True),
    ],
)
def test_kernels_that_are_there(schema: str, key: str, there: bool) -> None:
    assert has_kernel(schema, key) is there
