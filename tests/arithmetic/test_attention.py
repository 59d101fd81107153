"""Attention: the reference's bits, those of torch's plain way, and gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tests.arithmetic.bits import THREADS, same_bits, threads
from tests.arithmetic.replaced import replaced
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from samebits.arithmetic import (
    activations,
    attention,
    compound,
    core,
    elementwise,
    products,
    reductions,
    softmax,
)
from samebits.arithmetic.reference import attention as reference

ROWS = (
    *(*products.ROWS, *reductions.ROWS, *softmax.ROWS, *attention.ROWS),
    *(*elementwise.ROWS, *activations.ROWS, *compound.ROWS),
)


def _inputs(*sizes: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """q, k, v and the result's gradient, of batch, heads, queries, keys, depth, values."""
    b, h, t, s, e, v = sizes
    made = torch.Generator().manual_seed(3)
    shapes = ((b, h, t, e), (b, h, s, e), (b, h, s, v), (b, h, t, v))
    return [torch.randn(shape, generator=made, dtype=torch.float64).to(dtype) for shape in shapes]


def _results(given: list[Tensor], **options: Any) -> list[Tensor]:
    q, k, v = (x.detach().requires_grad_() for x in given[:3])
    out = F.scaled_dot_product_attention(q, k, v, **options)
    return [out.detach(), *torch.autograd.grad(out, (q, k, v), given[3])]


def _masks(t: int, s: int) -> list[Tensor | None]:
    made = torch.Generator().manual_seed(5)
    truths = torch.rand(t, s, generator=made) > 0.4
    truths[t // 2] = False  # a query without any key
    return [None, truths, torch.randn(2, 1, t, s, generator=made)]


@pytest.mark.parametrize("sizes", [(2, 3, 5, 7, 4, 3), (2, 1, 90, 20, 8, 16), (2, 2, 1, 1, 1, 1)], ids=str)
def test_the_references_bits_in_every_tier_and_number_of_threads(sizes: tuple[int, ...]) -> None:
    given = _inputs(*sizes)
    for mask in _masks(*sizes[2:4]):
        added = mask
        if mask is not None and mask.dtype is torch.bool:
            added = torch.zeros(mask.shape).masked_fill_(~mask, -torch.inf)
        q, k, v, grad = (x.numpy() for x in given)
        plain = None if added is None else added.numpy()
        expected = [reference.forward(q, k, v, plain), *reference.backward(grad, q, k, v, plain)]
        for tier in core.tiers():
            for number in THREADS:
                with replaced(ROWS), core.using(tier), threads(number):
                    results = _results(given, attn_mask=mask)
                for got, want in zip(results, expected, strict=True):
                    same_bits(got, torch.from_numpy(want))


@pytest.mark.parametrize(
    ("sizes", "options"),
    [
        ((1, 2, 300, 300, 8, 8), {"is_causal": True}),
        ((1, 2, 300, 200, 8, 8), {"is_causal": True}),
        ((1, 2, 200, 300, 8, 8), {"is_causal": True, "scale": 0.3}),
        ((2, 2, 600, 40, 16, 16), {}),
        ((1, 1, 20, 600, 16, 16), {"scale": 1.0}),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_bits_of_the_plain_way(
    sizes: tuple[int, ...], options: dict[str, Any], dtype: torch.dtype
) -> None:
    given = _inputs(*sizes, dtype=dtype)
    with replaced(ROWS):
        ours = _results(given, **options)
        with sdpa_kernel(SDPBackend.MATH):
            plain = _results(given, **options)
    for got, expected in zip(ours, plain, strict=True):
        same_bits(got, expected)


@pytest.mark.deep
def test_more_queries_than_a_group_of_chunks_has() -> None:
    for queries in (4096, 4100):
        given = _inputs(1, 1, queries, 30, 4, 4)
        with replaced(ROWS):
            ours = _results(given)
            with sdpa_kernel(SDPBackend.MATH):
                plain = _results(given)
        for got, expected in zip(ours, plain, strict=True):
            same_bits(got, expected)


def test_other_ways_give_the_same_bits() -> None:
    """Heads that share keys, layouts, and what torch does not fuse."""
    q, k, v, grad = _inputs(2, 4, 9, 9, 8, 8)
    with replaced(ROWS):
        expected = _results([q, k, v, grad])
        turned = [x.transpose(1, 2).contiguous().transpose(1, 2) for x in (q, k, v, grad)]
        for got, want in zip(_results(turned), expected, strict=True):
            same_bits(got, want)
        few = [q, k[:, :2], v[:, :2], grad]
        shared = _results(few, enable_gqa=True)
        with sdpa_kernel(SDPBackend.MATH):
            plain = _results(few, enable_gqa=True)
        for got, want in zip(shared, plain, strict=True):
            same_bits(got, want)
        alone = F.scaled_dot_product_attention(q[1:, :, 3:4], k[1:], v[1:])
        same_bits(alone, expected[0][1:, :, 3:4])


def test_torchs_own_results_nearly() -> None:
    given = _inputs(2, 3, 33, 21, 8, 8)
    for mask in _masks(33, 21):
        native = _results(given, attn_mask=mask)
        with replaced(ROWS):
            ours = _results(given, attn_mask=mask)
        for got, expected in zip(ours, native, strict=True):
            assert torch.allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_gradients() -> None:
    q, k, v, _ = (x.requires_grad_() for x in _inputs(1, 2, 4, 5, 3, 3, dtype=torch.float64))
    with replaced(ROWS):
        assert torch.autograd.gradcheck(F.scaled_dot_product_attention, (q, k, v))
        assert torch.autograd.gradcheck(
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), (q, k, v)
        )


def test_multihead_attention() -> None:
    with torch.random.fork_rng():
        layer = torch.nn.MultiheadAttention(12, 3, batch_first=True)
    x = _inputs(2, 1, 5, 5, 12, 12)[0][:, 0].requires_grad_()
    native = layer(x, x, x, need_weights=False)[0]
    with replaced(ROWS):
        ours = layer(x, x, x, need_weights=False)[0]
        weighted = layer(x, x, x)[0]
    assert torch.allclose(ours, native, atol=1e-5)
    assert torch.allclose(weighted, native, atol=1e-5)
