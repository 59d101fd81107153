"""What calls kernels without asking the dispatcher, and is refused while kernels in it are replaced.

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

from samebits._runtime.patcher import Patcher

#: Loaders of what AOTInductor has compiled, in `torch._C._aoti`; a build has some of them.
_LOADERS = (
    "AOTIModelPackageLoader",
    *(f"AOTIModelContainerRunner{device}" for device in ("Cpu", "Cuda", "Xpu", "Mps")),
)

WRAPPER = "torch.compile with cpp_wrapper"


class Refused(Patcher):
    """The ways around the dispatcher, refused from `install` until `uninstall`.

    Args:
        refuse: given what goes around, raises.
    """

    def __init__(self, refuse: Callable[[str], Any]) -> None:
        super().__init__()
        self._refuse = refuse

    def install(self) -> None:
        import torch

        self._alive = True
        for name in _LOADERS:
            if hasattr(torch._C._aoti, name):
                self._replace(torch._C._aoti, name, partial(self._loaded, getattr(torch._C._aoti, name)))
        self._after("torch._inductor.compile_fx", self._compiler)

    def check(self) -> None:
        """Refuse a process in which inductor's C++ wrapper is already asked for."""
        config = sys.modules.get("torch._inductor.config")
        asked = os.environ.get("TORCHINDUCTOR_CPP_WRAPPER") == "1" if config is None else config.cpp_wrapper
        if asked:
            self._refuse(WRAPPER)

    def _loaded(self, loader: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if self._alive:
            self._refuse("a program compiled by AOTInductor")
        return loader(*args, **options)

    def _compiler(self, module: ModuleType) -> None:
        compile_graph = module._compile_fx_inner

        def checked(*args: Any, **options: Any) -> Any:
            if self._alive and module.V.aot_compilation:
                self._refuse("AOTInductor")
            if self._alive and (options.get("cpp_wrapper") or module.config.cpp_wrapper):
                self._refuse(WRAPPER)
            return compile_graph(*args, **options)

        self._replace(module, "_compile_fx_inner", checked)
