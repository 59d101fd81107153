"""The forward of the model in two halves of the batch, put together again, as accumulation of gradients does.

A sum over the batch is then rounded otherwise.  More than that differs where the forward looks across the
batch (batch statistics, negatives of the same batch), or draws random numbers, which are others in halves.
The halves are of odd lengths where that can be: kernels draw and add in blocks of 8 or 16, and halves that
fit them by chance show nothing.  A forward whose output is no tensor of the batch's length (a loss) cannot be
put together: it stays, and the row says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from samebits._runtime.aside import aside
from samebits._runtime.patcher import Patcher
from samebits.control import told
from samebits.control.change import Change
from samebits.control.changes._trained import Trained

_NAME: Final = "micro-batches"
#: How what says why there is nothing to change begins.
NOT: Final = "does not apply: "


class _Whole(Exception):
    """Outputs that cannot be put together; says why."""


class MicroBatches(Patcher):
    """Splits the outermost forwards of modules that are trained, while they are trained."""

    def __init__(self) -> None:
        super().__init__()
        self._trained = Trained()
        self._inside = threading.local()
        self._off = False

    def install(self) -> Callable[[], None]:
        self._after("torch", self._torch)
        return self.uninstall

    def _torch(self, torch: ModuleType) -> None:
        self._torch_module: Any = torch
        self._trained.install(torch)
        self._undo.callback(self._trained.uninstall)
        self._around(torch.nn.Module, "__call__", self._forward)

    def _forward(self, original: Any, module: Any, *args: Any, **kwargs: Any) -> Any:
        torch = self._torch_module
        if (
            self._off
            or not self._alive
            or getattr(self._inside, "deep", False)
            or torch.compiler.is_compiling()
        ):
            return original(module, *args, **kwargs)
        self._inside.deep = True
        try:
            if module.training and torch.is_grad_enabled() and self._trained.has(module):
                return self._in_halves(original, module, args, kwargs)
            return original(module, *args, **kwargs)
        finally:
            self._inside.deep = False

    def _in_halves(self, original: Any, module: Any, args: Any, kwargs: Any) -> Any:
        torch = self._torch_module
        from torch.utils import _pytree as pytree

        leaves, structure = pytree.tree_flatten((args, kwargs))
        sizes = [leaf.shape[0] for leaf in leaves if isinstance(leaf, torch.Tensor) and leaf.dim()]
        if not sizes or sizes[0] < 2:
            return original(module, *args, **kwargs)
        size, half = sizes[0], sizes[0] // 2
        half -= half > 1 and half % 2 == 0
        with aside():
            state = torch.get_rng_state()
        outputs = []
        for start, stop in ((0, half), (half, size)):
            part = [self._part(leaf, size, start, stop) for leaf in leaves]
            part_args, part_kwargs = pytree.tree_unflatten(part, structure)
            outputs.append(original(module, *part_args, **part_kwargs))
        kind = type(module).__name__
        with aside():
            draws = not torch.equal(state, torch.get_rng_state())
        try:
            with aside():
                whole = self._together(outputs, half, size)
        except _Whole as error:
            self._off = True
            with aside():
                torch.set_rng_state(state)
            told.tell(_NAME, f"{NOT}{kind}: {error}")
            return original(module, *args, **kwargs)
        told.tell(_NAME, f"the forward of {kind} in halves{', in which it draws random numbers' * draws}")
        return whole

    def _part(self, leaf: Any, size: int, start: int, stop: int) -> Any:
        if isinstance(leaf, self._torch_module.Tensor) and leaf.dim() and leaf.shape[0] == size:
            return leaf[start:stop]
        return leaf

    def _together(self, outputs: list[Any], half: int, size: int) -> Any:
        torch = self._torch_module
        from torch.utils import _pytree as pytree

        (first, structure), (second, other) = (pytree.tree_flatten(each) for each in outputs)
        if structure != other:
            raise _Whole("the outputs of the halves are of two kinds")
        whole = []
        for a, b in zip(first, second, strict=True):
            if isinstance(a, torch.Tensor) and a.dim() and (len(a), len(b)) == (half, size - half):
                whole.append(torch.cat((a, b)))
            elif a is b or (isinstance(a, int | str | bool | float) and a == b):
                whole.append(a)
            else:
                what = f"of shape {list(a.shape)}" if isinstance(a, torch.Tensor) else type(a).__name__
                raise _Whole(f"an output ({what}) is not of the batch's length")
        return pytree.tree_unflatten(whole, structure)


CHANGES = (
    Change(
        name=_NAME,
        what="the forward in two halves of the batch",
        should="rounding",
        why="the forward looks across the batch (batch statistics, negatives of the batch), or draws random "
        "numbers: results depend on the size of a micro-batch.",
        install=lambda: MicroBatches().install(),
        tells=True,
    ),
)
