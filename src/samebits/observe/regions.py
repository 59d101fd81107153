"""What torch runs as a whole: a region that its compiler made is one event, a replayed CUDA graph is none.

Compiling itself runs operations that are nobody's, so the observer looks away meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

from samebits._runtime.patcher import Patcher
from samebits.model.events import KIND
from samebits.observe.batches import leaves
from samebits.observe.session import Session


class CompiledRegions(Patcher):
    """``see(observe, *args)`` observes and never raises; in ``quiet()`` nothing is observed."""

    def __init__(
        self,
        *,
        session: Session,
        observer: ModuleType,
        see: Callable[..., None],
        quiet: Callable[[], AbstractContextManager[None]],
    ) -> None:
        super().__init__()
        self._session, self._observer, self._see, self._quiet = session, observer, see, quiet

    def install(self) -> None:
        if not self._session.operations:
            return
        self._after("torch._dynamo.callback", self._hook_dynamo)
        self._after("torch._inductor.output_code", self._hook_inductor)
        self._after("torch.cuda.graphs", self._hook_graphs)

    def _hook_dynamo(self, module: Any) -> None:
        handler = module.callback_handler
        start = handler.register_start_callback(lambda *_: self._observer.suspend())
        self._undo.callback(handler.remove_start_callback, start)
        end = handler.register_end_callback(lambda *_: self._observer.resume())
        self._undo.callback(handler.remove_end_callback, end)

    def _hook_inductor(self, module: Any) -> None:
        self._around(module.CompiledFxGraph, "__call__", self._region)

    def _hook_graphs(self, module: Any) -> None:
        def entered(original: Callable[..., Any], graph: Any) -> Any:
            self._session.not_observed("operations inside a replayed CUDA graph")
            return original(graph)

        self._around(module.graph, "__enter__", entered)

    def _region(self, original: Callable[..., Any], graph: Any, *args: Any, **kwargs: Any) -> Any:
        import torch

        if not self._session.operations:
            return original(graph, *args, **kwargs)
        with self._quiet():
            outputs = original(graph, *args, **kwargs)
        tensors = [t for t in leaves(outputs) if isinstance(t, torch.Tensor)]
        number = self._observer.intern("compiled region")
        if self._session.operations:
            self._see(self._observer.push_tensors, KIND["region"], [number] * len(tensors), tensors, -1, -1)
        return outputs
