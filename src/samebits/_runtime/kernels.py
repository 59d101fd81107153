"""Kernels in torch's dispatcher: ours put in, torch's own back, each alone.

torch's dispatcher holds one kernel for an operation and a dispatch key.  A `Library`
that implements one operation for one key replaces it below autograd, autocast and
vmap, so that every way to the operation finds ours: unmodified `F.*` calls, backward,
compiled graphs.  Destroying the library brings the former kernel back.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable
from typing import Any

import torch
from torch import library
from torch._C._dynamo.eval_frame import _FrameAction, _FrameExecStrategy, set_code_exec_strategy

Function = Callable[..., Any]

#: Kernels that are no longer in the dispatcher, but that another thread may still be about to run:
#: torch would free them with their library.
_leaving: deque[Any] = deque(maxlen=4096)


class Override:
    """One operation's kernel for one dispatch key, replaced until `remove`.

    Args:
        schema: the operation, with its overload.
        key: the dispatch key, a device's as "cpu" or "cuda".
        made: given torch's kernel, what the dispatcher shall call; both take the dispatch keys first.
    """

    def __init__(self, schema: str, key: str, made: Callable[[Function], Function]) -> None:
        where: Any = dispatch_key(key)
        # An alias key has no kernel that runs: one that all devices share is any device's.
        runs: Any = "CPU" if where.startswith("Composite") else where
        native = library.get_kernel(schema, runs).call_boxed
        namespace, _, name = schema.partition("::")
        made_in: Any = library.Library
        self._library = made_in(namespace, "IMPL")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Warning only once for all operators")
            ours = _given_tensors(schema, made(native))
            self._library.impl(name, ours, where, with_keyset=True, allow_override=True)
        self._ours = library.get_kernel(schema, runs)

    def remove(self) -> None:
        """The former kernel is back."""
        _leaving.append(self._ours)
        self._library._destroy()


def _given_tensors(schema: str, call: Function) -> Function:
    """`call`, which is given tensors where the operation takes tensors.

    Of `x + 1.5` the dispatcher makes an operation of two tensors, and hands the second one to Python as a
    number, which torch's kernel then refuses.
    """
    base, _, overload = schema.partition(".")
    arguments = torch._C._get_schema(base, overload).arguments
    places = tuple(n for n, one in enumerate(arguments) if str(one.type) == "Tensor" and not one.kwarg_only)
    if len(places) < 2:
        return call

    def given(keys: Any, *args: Any, **kwargs: Any) -> Any:
        for n in places:
            if n < len(args) and not isinstance(args[n], torch.Tensor):
                break
        else:
            return call(keys, *args, **kwargs)
        return call(keys, *_tensors(places, args), **kwargs)

    return unseen_by_the_compiler(given)


def _tensors(places: tuple[int, ...], args: tuple[Any, ...]) -> list[Any]:
    """The arguments, with tensors for numbers: of the type that a number has beside the tensors."""
    tensors = [args[n] for n in places if n < len(args) and isinstance(args[n], torch.Tensor)]
    made = list(args)
    for n in places:
        if n < len(args) and isinstance(args[n], int | float | complex):
            dtype = torch.result_type(tensors[0], args[n]) if tensors else None
            if isinstance(args[n], bool):
                dtype = torch.bool
            elif tensors and tensors[0].dim() > 0 and dtype in (torch.float16, torch.bfloat16):
                dtype = torch.float32  # torch computes with the number itself, and rounds the result
            made[n] = torch.scalar_tensor(args[n], dtype=dtype, device="cpu")
    return made


def has_kernel(schema: str, key: str) -> bool:
    """Whether this torch has the operation, and a kernel of its own to replace."""
    there = torch._C._dispatch_has_kernel(schema)
    return there and torch._C._dispatch_has_kernel_for_dispatch_key(schema, dispatch_key(key))


def dispatch_key(key: str) -> str:
    """The dispatch key's name: that of a device in capitals, another as it is."""
    return key.upper() if key.islower() else key


def unseen_by_the_compiler(call: Function) -> Function:
    """`call`, which dynamo leaves alone with all that it calls.

    Between the graphs of a compiled function our kernels' Python runs too, in a `backward()` for one, and
    dynamo would compile it: minutes of work, and other bits.
    """
    skip = _FrameExecStrategy(_FrameAction.SKIP, _FrameAction.SKIP)
    set_code_exec_strategy(call.__code__, skip)
    return call
