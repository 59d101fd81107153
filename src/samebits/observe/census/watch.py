"""Everything that a census needs to have replaced in torch, for as long as it is installed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from samebits._runtime.patcher import Patcher
from samebits.observe.census.checkpoints import Checkpoints
from samebits.observe.census.taken import Censuses
from samebits.observe.session import Session


class Watch(Patcher):
    """Censuses and checkpoints of one process.

    ``attempt`` calls a function of ours so that its failure is no failure of the program's; what it runs in
    ``quiet()`` is not observed.
    """

    def __init__(
        self,
        session: Session,
        attempt: Callable[..., None],
        quiet: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        super().__init__()
        self._attempt, self._quiet = attempt, quiet
        self._censuses = Censuses(session)
        self._checkpoints = Checkpoints(session, self._censuses, self._aside)

    def install(self) -> None:
        import torch
        from torch.utils.data import dataloader

        self._around(dataloader._BaseDataLoaderIter, "__init__", self._begin_pass)
        self._around(dataloader._MultiProcessingDataLoaderIter, "_reset", self._begin_again)
        self._around(dataloader._BaseDataLoaderIter, "_next_index", self._next_index)
        self._around(torch.nn.Module, "__call__", self._call)
        self._checkpoints.install()
        self._undo.callback(self._checkpoints.uninstall)

    def take(self, optimizer: Any) -> None:
        """A census, as a step begins."""
        with self._quiet():
            self._censuses.take(optimizer)

    def batch_given(self, iterator: Any) -> None:
        self._censuses.batch_given(iterator)

    def _aside(self, call: Callable[..., Any], *args: Any) -> None:
        def quietly() -> None:
            with self._quiet():
                call(*args)

        self._attempt(quietly)

    def _begin_pass(self, original: Callable[..., Any], iterator: Any, loader: Any, *args: Any) -> None:
        original(iterator, loader, *args)
        self._censuses.pass_begins(loader, iterator)

    def _begin_again(
        self, original: Callable[..., Any], iterator: Any, loader: Any, first_iter: bool = False
    ) -> None:
        """A loader whose workers persist has one iterator for all its passes."""
        if not first_iter:
            self._censuses.pass_begins(loader, iterator)
        original(iterator, loader, first_iter)

    def _next_index(self, original: Callable[..., Any], iterator: Any) -> Any:
        index = original(iterator)
        if isinstance(index, list | tuple | int):
            self._censuses.index_chosen(iterator, index)
        return index

    def _call(self, original: Callable[..., Any], module: Any, *args: Any, **kwargs: Any) -> Any:
        import torch

        if not self._alive or torch.compiler.is_compiling():
            return original(module, *args, **kwargs)
        self._aside(self._censuses.called, module, args, kwargs)
        try:
            return original(module, *args, **kwargs)
        finally:
            self._censuses.returned()
