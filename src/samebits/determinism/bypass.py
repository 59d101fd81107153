"""What calls kernels without asking the dispatcher, and is refused while the mode is on.

Inductor's C++ wrapper and AOTInductor call torch's kernels by their C symbols, so
that no replacement is ever asked, in silence.  A program that is already compiled
so is refused when it is loaded, one that is not when it is compiled.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from samebits import _imports as imports
from samebits.errors import DeterminismError

#: Loaders of what AOTInductor has compiled, in `torch._C._aoti`; a build has some of them.
_LOADERS = (
    "AOTIModelPackageLoader",
    *(f"AOTIModelContainerRunner{device}" for device in ("Cpu", "Cuda", "Xpu", "Mps")),
)


class Refused:
    """The ways around the dispatcher, refused from `install` until `remove`."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._alive = False

    def install(self) -> None:
        import torch

        self._alive = True
        for name in _LOADERS:
            if hasattr(torch._C._aoti, name):
                self._replace(torch._C._aoti, name, partial(_refuse, "a program compiled by AOTInductor"))
        imports.after("torch._inductor.compile_fx", self._compiler)

    def remove(self) -> None:
        self._alive = False
        while self._undo:
            self._undo.pop()()

    def _compiler(self, module: ModuleType) -> None:
        if not self._alive:
            return
        compile_graph = module._compile_fx_inner

        def checked(*args: Any, **options: Any) -> Any:
            if module.V.aot_compilation:
                _refuse("AOTInductor")
            if options.get("cpp_wrapper") or module.config.cpp_wrapper:
                _refuse("torch.compile with cpp_wrapper")
            return compile_graph(*args, **options)

        self._replace(module, "_compile_fx_inner", checked)

    def _replace(self, owner: Any, name: str, new: Any) -> None:
        self._undo.append(partial(setattr, owner, name, getattr(owner, name)))
        setattr(owner, name, new)


def check() -> None:
    """Refuse a process in which inductor's C++ wrapper is already asked for.

    Raises:
        DeterminismError: it is.
    """
    config = sys.modules.get("torch._inductor.config")
    asked = os.environ.get("TORCHINDUCTOR_CPP_WRAPPER") == "1" if config is None else config.cpp_wrapper
    if asked:
        _refuse("torch.compile with cpp_wrapper")


def _refuse(what: str, *_: Any, **__: Any) -> Any:
    raise DeterminismError(
        f"{what} calls torch's kernels without the dispatcher, so that no operation could be replaced: "
        "turn cpp_wrapper off (torch._inductor.config.cpp_wrapper, TORCHINDUCTOR_CPP_WRAPPER), use plain "
        "torch.compile, or give deterministic(replace='none')."
    )
