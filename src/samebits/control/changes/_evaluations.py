"""What an evaluation draws is taken back: the process-wide generators are as they were before it.

An evaluation begins where a module that is trained goes from training to evaluation (`model.eval()`).  After
each of its outermost forwards the states are put back that the generators had then, and once more where it
is trained again (`model.train()`), unless a DataLoader was started since: that may be the training's own.  A
module is trained if an optimizer holds one of its parameters: a frozen teacher, which stays in evaluation,
is none.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from samebits._runtime.aside import aside
from samebits._runtime.patcher import Patcher
from samebits.control import places, told
from samebits.control.changes._trained import Trained


class Evaluations(Patcher):
    """Takes back what evaluations draw, where ``wanted()`` is true as they begin."""

    def __init__(self, change: str, wanted: Callable[[], bool]) -> None:
        super().__init__()
        self._change = change
        self._wanted = wanted
        self._trained = Trained()
        self._before: list[Any] | None = None  # the states, in an evaluation
        self._place = ""
        self._forwards = 0
        self._loaders = 0  # started since the last forward of an evaluation
        self._depth = threading.local()

    def install(self) -> Callable[[], None]:
        self._after("torch", self._torch)
        return self.uninstall

    def _torch(self, torch: ModuleType) -> None:
        from torch.utils.data import dataloader

        self._torch_module: Any = torch
        self._trained.install(torch)
        self._undo.callback(self._trained.uninstall)
        self._around(torch.nn.Module, "train", self._mode)
        self._around(torch.nn.Module, "__call__", self._forward)
        self._around(dataloader._BaseDataLoaderIter, "__init__", self._started)

    # -- where an evaluation begins and ends -------------------------------------------------------
    def _mode(self, original: Any, module: Any, mode: bool = True) -> Any:
        inside = getattr(self._depth, "modes", 0)
        if not self._alive or inside:
            return original(module, mode)
        turned = module.training is not mode and self._trained.has(module)
        if turned and not mode and self._before is None and self._wanted():
            with aside():
                self._before = self._states()
            self._place, self._forwards, self._loaders = places.place(), 0, 0
        self._depth.modes = 1
        try:
            result = original(module, mode)
        finally:
            self._depth.modes = 0
        if turned and mode:
            self._end()
        return result

    def _forward(self, original: Any, module: Any, *args: Any, **kwargs: Any) -> Any:
        depth = getattr(self._depth, "calls", 0)
        if depth or self._before is None or not self._alive:
            return original(module, *args, **kwargs)
        if module.training and self._torch_module.is_grad_enabled() and self._trained.has(module):
            self._end()  # it is trained, whatever put it into that mode
            return original(module, *args, **kwargs)
        evaluates = not module.training and self._trained.has(module)
        self._depth.calls = 1
        try:
            result = original(module, *args, **kwargs)
        finally:
            self._depth.calls = 0
        if evaluates and self._before is not None:
            self._forwards += 1
            self._loaders = 0
            self._put_back()
        return result

    def _started(self, original: Any, iterator: Any, *args: Any, **kwargs: Any) -> Any:
        self._loaders += 1
        return original(iterator, *args, **kwargs)

    def _end(self) -> None:
        if self._before is not None and self._forwards:
            if not self._loaders:
                self._put_back()
            told.tell(self._change, "what it drew was taken back, as if it were left out", self._place)
        self._before = None

    # -- the generators ----------------------------------------------------------------------------
    def _states(self) -> list[Any]:
        torch, numpy = self._torch_module, sys.modules.get("numpy.random")
        on_devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
        return [
            torch.get_rng_state(),
            on_devices,
            None if numpy is None else numpy.get_state(),
            random.getstate(),
        ]

    def _put_back(self) -> None:
        assert self._before is not None
        torch, numpy = self._torch_module, sys.modules.get("numpy.random")
        on_cpu, on_devices, of_numpy, of_python = self._before
        with aside():
            torch.set_rng_state(on_cpu)
            if on_devices is not None:
                torch.cuda.set_rng_state_all(on_devices)
            if numpy is not None and of_numpy is not None:
                numpy.set_state(of_numpy)
            random.setstate(of_python)
