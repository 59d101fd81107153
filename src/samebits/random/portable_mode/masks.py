"""torch's dropouts and the random leaky rectifier, from keyed numbers, and what cannot be.

`torch.dropout` is a multiplication by noise on a CPU, and one kernel on a GPU.  Here that kernel does
what the multiplication does, forward and backward, so that both give the same bits.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from samebits.errors import DeterminismError
from samebits.random.fill import fill
from samebits.random.one_word import Distribution
from samebits.random.portable_mode import drawing
from samebits.random.portable_mode.drawing import key_of
from samebits.random.portable_mode.fills import WHOLE, Native


def native_dropout(native: Native, input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    if train is False or p in (0, 1):  # not torch's own, which draws for some of these on some devices
        kept = train is False or p == 0
        return (input.clone() if kept else torch.zeros_like(input)), torch.full_like(
            input, kept, dtype=torch.bool
        )
    if not 0 < p < 1 or input.dtype not in WHOLE:
        before = torch.default_generator.get_state()
        try:
            refused: tuple[Tensor, Tensor] = native(input, p, train)  # which draws before it refuses
            return refused
        finally:
            torch.default_generator.set_state(before)
    mask = torch.empty_like(input, dtype=torch.bool)
    fill(mask, Distribution.BERNOULLI, key_of(None, input), drawing.trial(1 - p))
    return input * _noise(mask, input.dtype, 1 - p), mask


def native_dropout_backward(native: Native, grad_output: Tensor, mask: Tensor, scale: float) -> Tensor:
    if grad_output.dtype not in (torch.float16, torch.bfloat16, torch.float32) or not scale > 1:
        result: Tensor = native(grad_output, mask, scale)
        return result
    # `scale` is 1 / (1 - p) in float64, from which 1 - p comes back exactly in float32.
    return grad_output * _noise(mask, grad_output.dtype, 1 / scale)


def _noise(mask: Tensor, dtype: torch.dtype, kept: float) -> Tensor:
    return mask.to(dtype).div_(kept)


def fused_dropout(
    native: Native, self: Tensor, p: float, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Here `p` is the probability of being kept."""
    mask = torch.empty_like(self, dtype=torch.bool)
    fill(mask, Distribution.BERNOULLI, key_of(generator, self), drawing.trial(p))
    return self * _noise(mask, self.dtype, p), mask.to(torch.uint8)


def rrelu_with_noise(
    native: Native,
    self: Tensor,
    noise: Tensor,
    lower: float = 0.125,
    upper: float = 1 / 3,
    training: bool = False,
    generator: torch.Generator | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """An element's slope is drawn whether it is used or not, so that no other depends on the values."""
    if not training or self.dtype not in WHOLE or not lower <= upper or noise.shape != self.shape:
        given = {} if out is None else {"out": out}
        own = torch.Generator(device=self.device)
        result: Tensor = native(self, noise, lower, upper, training, own, **given)
        return result
    slopes = torch.empty_like(self)
    fill(slopes, Distribution.UNIFORM, key_of(generator, self), drawing.uniform(self.dtype, lower, upper))
    negative = self <= 0
    noise.copy_(torch.where(negative, slopes, torch.ones_like(slopes)))
    product = torch.where(negative, self * slopes, self)
    if out is None:
        return product
    return out.resize_(product.shape).copy_(product)


def rrelu_with_noise_(native: Native, self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    return rrelu_with_noise(native, self, *args, **kwargs, out=self)


def attention(
    native: Native,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Attention: with dropout in plain operations, since fused kernels draw themselves."""
    options: dict[str, Any] = {"scale": scale, "enable_gqa": enable_gqa}
    if dropout_p == 0 or query.device.type == "cpu":  # a CPU's fused kernel has no dropout
        result: Tensor = native(query, key, value, attn_mask, dropout_p, is_causal, **options)
        return result
    plain = torch.ops.aten._scaled_dot_product_attention_math.default
    added = plain_mask(attn_mask, query.dtype)
    attended: Tensor = plain(query, key, value, added, dropout_p, is_causal, None, **options)[0]
    return attended


def plain_mask(mask: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """A mask of truths as what is added to the scores; another as it is."""
    if mask is None or mask.dtype is not torch.bool:
        return mask
    return torch.zeros_like(mask, dtype=dtype).masked_fill_(~mask, -torch.inf)


def choice(native: Native, query: Tensor, *args: Any, **kwargs: Any) -> int:
    """Which attention is used (0: plain operations): the same on every device where there is dropout."""
    dropout = kwargs.get("dropout_p", args[3] if len(args) > 3 else 0.0)
    return 0 if dropout > 0 else native(query, *args, **kwargs)


def without_dropout(schema: str) -> Any:
    """A kernel that draws itself, in a way of its own: refused with dropout, torch's own without."""

    @cache
    def arguments() -> list[str]:  # asked of an operation that is there; not every torch has each
        base, _, overload = schema.partition(".")
        return [argument.name for argument in torch._C._get_schema(base, overload).arguments]

    def checked(native: Native, *args: Any, **kwargs: Any) -> Any:
        given = {**dict(zip(arguments(), args, strict=False)), **kwargs}
        dropout = given.get("dropout_p", given.get("dropout", 0.0))
        if dropout > 0 and given.get("train", True):
            raise DeterminismError(
                f"{schema} draws its dropout inside a kernel of its device, so samebits.random.portable "
                f"cannot give it numbers: {_way_out(schema)}."
            )
        return native(*args, **kwargs)

    return checked


def _way_out(schema: str) -> str:
    if "cudnn_rnn" in schema or "dropout_state" in schema:
        return "use `with torch.backends.cudnn.flags(enabled=False):` around the recurrent layers"
    if "rnn" in schema or "lstm" in schema:
        return "put torch.nn.Dropout between recurrent layers of one layer each"
    return "call torch.nn.functional.scaled_dot_product_attention, which is replaced"
