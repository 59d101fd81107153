"""The drawing as operations of torch's dispatcher, and when a call takes that way.

Called directly, a draw is a few microseconds of Python and the core.  Compilers, fake
tensors, vmap, dispatch modes and observers see operations only, so where one of them is
on, the same draw goes through `torch.ops.samebits`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, library
from torch.compiler import is_compiling
from torch.nn import Parameter

from samebits.random.fill import fill
from samebits.random.one_word import Distribution, Parameters, signed, threshold
from samebits.random.shards import Part

_observed = False
_modes, _transforms = torch._C._len_torch_dispatch_stack, torch._C._functorch.peek_interpreter_stack


def observe(on: bool) -> None:
    """From now on, or no longer, every draw is an operation, for whoever observes those of this process."""
    global _observed
    _observed = on


def can_skip_dispatcher(*tensors: Tensor) -> bool:
    """Whether the draw need not be an operation of torch's dispatcher: nothing is on that must see it."""
    for tensor in tensors:
        if type(tensor) is not Tensor and type(tensor) is not Parameter:
            return False
    return not (_observed or is_compiling() or _modes() or _transforms() is not None)


def is_traced() -> bool:
    """Whether numbers cannot be looked at: a compiler or a transform (vmap) has them."""
    return is_compiling() or is_transformed()


def is_transformed() -> bool:
    """Whether vmap, torch.func.grad or another transform of torch.func is on, and nothing is compiled."""
    return not is_compiling() and _transforms() is not None


def draw(
    shape: Sequence[int],
    distribution: Distribution,
    key: Tensor,
    dtype: torch.dtype,
    device: torch.device | None,
    parameters: Parameters,
    part: Part | None = None,
) -> Tensor:
    """A new tensor of a distribution's numbers, on the key's device if on no other; all has been checked."""
    if can_skip_dispatcher(key):
        made = torch.empty(shape, dtype=dtype, device=key.device if device is None else device)
        return fill(made, distribution, key, parameters, part)
    device = key.device if device is None else device
    p = parameters
    sizes, strides, first = (part.shape, part.strides, part.first) if part is not None else ([], [], 0)
    seen: Tensor = torch.ops.samebits.draw(
        *(
            key,
            shape,
            int(distribution),
            dtype,
            device,
            p.a,
            p.b,
            signed(p.low),
            signed(p.range),
        ),
        *(p.least, p.most, first, sizes, strides),
    )
    return seen


@library.custom_op("samebits::draw", mutates_args=())
def _draw(
    key: Tensor,
    shape: Sequence[int],
    distribution: int,
    dtype: torch.dtype,
    device: torch.device,
    a: float,
    b: float,
    low: int,
    range: int,
    least: float,
    most: float,
    first: int,
    part_shape: Sequence[int],
    part_strides: Sequence[int],
) -> Tensor:
    # A threshold of 2**32 stays what it is: only numbers of 64 bits were made signed.
    parameters = Parameters(a, b, low % (1 << 64), range % (1 << 64), least, most)
    part = Part(first, tuple(part_shape), tuple(part_strides)) if part_shape else None
    return fill(
        torch.empty(tuple(shape), dtype=dtype, device=device),
        Distribution(distribution),
        key,
        parameters,
        part,
    )


@_draw.register_fake
def _(
    key: Tensor, shape: Sequence[int], distribution: int, dtype: torch.dtype, device: torch.device, *rest: Any
) -> Tensor:
    return torch.empty(shape, dtype=dtype, device=device)


@_draw.register_vmap
def _(
    info: Any, in_dims: tuple[int | None, ...], key: Tensor, shape: Sequence[int], *rest: Any
) -> tuple[Tensor, int | None]:
    if in_dims[0] is None:
        return torch.ops.samebits.draw(key, shape, *rest), None
    keys = key.movedim(in_dims[0], 0)
    return torch.ops.samebits.draw(keys, [info.batch_size, *shape], *rest), 0


@library.custom_op("samebits::dropout", mutates_args=())
def _dropout(x: Tensor, key: Tensor, p: float) -> Tensor:
    # As F.dropout computes the scale: ones of the dtype, divided.
    scale = torch.ones((), dtype=x.dtype, device="cpu").div(1 - p).item() if p < 1 else 0.0
    return fill(
        torch.empty_like(x),
        Distribution.DROPOUT,
        key,
        Parameters(a=scale, low=threshold(1 - p)),
        source=x,
    )


@_dropout.register_fake
def _(x: Tensor, key: Tensor, p: float) -> Tensor:
    return torch.empty_like(x)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _, key, ctx.p = inputs
    ctx.save_for_backward(key)


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
    """The mask is drawn again: nothing is kept but the key."""
    (key,) = ctx.saved_tensors
    return torch.ops.samebits.dropout(grad, key, ctx.p), None, None


_dropout.register_autograd(_backward, setup_context=_keep)


@_dropout.register_vmap
def _(info: Any, in_dims: tuple[int | None, ...], x: Tensor, key: Tensor, p: float) -> tuple[Tensor, int]:
    """Each example has the mask of its key; without keys of their own, one mask."""
    x = x.movedim(in_dims[0], 0) if in_dims[0] is not None else x.expand(info.batch_size, *x.shape)
    key = key.movedim(in_dims[1], 0) if in_dims[1] is not None else key.expand(info.batch_size, *key.shape)
    return torch.ops.samebits.dropout(x, key, p), 0
