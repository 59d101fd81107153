"""Activation checkpointing: a block is computed again in the scope in which it was computed first.

The generator's state, which torch puts back itself, says what the streams' state was, but not in
which scope the block was: the backward may run outside it, or in a thread of autograd's.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from samebits._runtime.patcher import Patcher
from samebits.random.portable_mode import scopes

#: What runs a checkpoint that is not reentrant: of torch 2.15, and of torch before it.
_GENERATORS = ("_checkpoint_without_reentrant_generator_impl", "_checkpoint_without_reentrant_generator")


class Recompute(Patcher):
    """From `install` until `uninstall`; functions that were wrapped by then stay so."""

    def install(self) -> None:
        self._after("torch.utils.checkpoint", self._wrap)
        self._after("torch.distributed._composable.checkpoint_activation", self._wrap_generator)

    def _wrap(self, module: ModuleType) -> None:
        reentrant = module.CheckpointFunction.apply

        def apply(function: Callable[..., Any], *args: Any) -> Any:
            return reentrant(_held(function), *args)

        self._replace(module, "CheckpointFunction", _Applied(module.CheckpointFunction, apply))
        self._wrap_generator(module)

    def _wrap_generator(self, module: ModuleType) -> None:
        name = next(name for name in _GENERATORS if hasattr(module, name))
        made = getattr(module, name)

        def generator(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            return made(_held(function), *args, **kwargs)

        self._replace(module, name, generator)


class _Applied:
    """The class of reentrant checkpoints, with an `apply` of ours."""

    def __init__(self, original: Any, apply: Callable[..., Any]) -> None:
        self._original = original
        self.apply = apply

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


def _held(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, in the scope of here."""
    path = scopes.here()

    def held(*args: Any, **kwargs: Any) -> Any:
        with scopes.at(path):
            return function(*args, **kwargs)

    return held
