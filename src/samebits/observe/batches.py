"""What a batch holds, as tensors: nested containers, arrays, numbers and texts in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def leaves(value: Any, inside: frozenset[int] = frozenset()) -> Iterator[Any]:
    """The values inside nested dicts, lists, tuples and dataclass-like objects, depth first.

    ``inside``: the ids of the objects around it; one that holds itself is not entered again.
    """
    if id(value) in inside:
        return
    around = inside | {id(value)}
    if isinstance(value, Mapping):
        for key in value:
            yield from leaves(value[key], around)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item, around)
    elif hasattr(value, "__dict__") and not hasattr(value, "__array__") and not isinstance(value, type):
        yield from leaves(vars(value), around)
    elif value is not None:
        yield value


def as_tensor(value: Any) -> torch.Tensor | None:
    """One value of a batch as a tensor; None for an object without bytes to speak of."""
    import torch

    if isinstance(value, torch.Tensor):
        return value
    try:
        if isinstance(value, str):
            value = value.encode(errors="surrogatepass")
        if isinstance(value, bytes):
            return torch.frombuffer(bytearray(value), dtype=torch.uint8) if value else torch.empty(0)
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None


def unwrapped(tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    """The tensors inside a subclass that wraps some (a DTensor's shard), else the tensor itself."""
    import torch
    from torch.utils._python_dispatch import is_traceable_wrapper_subclass

    wrapper: Any = tensor
    if not is_traceable_wrapper_subclass(wrapper):
        yield tensor
        return
    for name in wrapper.__tensor_flatten__()[0]:
        part = getattr(wrapper, name)
        if isinstance(part, torch.Tensor):  # a DTensor also names its mesh
            yield from unwrapped(part)
