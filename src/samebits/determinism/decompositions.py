"""Python code that avoids an operation where torch's flag is on and the tensor lies on CUDA.

`F.interpolate`, `F.pad` and `F.max_pool3d` then call a decomposition whose backward is an
`index_put`, and `torchvision.ops.roi_align` a version in Python; both cost several times the
time and the memory of the operation.  While the operations' backwards are replaced there is
no need of that, so the names that these functions look up lead to the operations.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from samebits._runtime.patcher import Patcher

_DECOMPOSITIONS: Final = "torch._decomp.decompositions"
#: Texts of the alerts of replaced operations in torch's Python files: `python -m tools.alerts`.
_REPLACED: Final = ("max_unpooling", "median CUDA", "_histc_cuda")
_REGIONS: Final = "torchvision.ops.roi_align"


class Detours(Patcher):
    """The detours are closed from `install` until `uninstall`, torchvision's also if it is imported later."""

    def install(self) -> None:
        self._replace(functional, "importlib", _Importer())
        self._replace(torch._prims_common, "alert_not_deterministic", _alert)
        self._after(_REGIONS, self._vision)

    def _vision(self, module: ModuleType) -> None:
        operation = getattr(torch.ops.torchvision, "roi_align", None)
        if operation is not None and hasattr(module, "_roi_align"):
            self._replace(module, "_roi_align", operation)


_torchs_alert = torch._prims_common.alert_not_deterministic


def _alert(caller: str) -> None:
    """torch's alert, but for operations that are replaced: a compiler asks before any kernel runs."""
    if not caller.startswith(_REPLACED):
        _torchs_alert(caller)


class _Importer:
    """What `torch.nn.functional` imports with: the decompositions as `_Operations`, the rest as ever."""

    def import_module(self, name: str, package: str | None = None) -> Any:
        module = importlib.import_module(name, package)
        # A compiled graph decomposes, and is deterministic under the flag.
        return (
            _Operations(module) if name == _DECOMPOSITIONS and not torch.compiler.is_compiling() else module
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib, name)


class _Operations:
    """The module of decompositions, with operations in the place of those that have a replaced backward."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def _upsample_linear_vec(
        self, input: Tensor, output_size: Any, align_corners: bool, scale_factors: Any
    ) -> Tensor:
        operation = (
            torch._C._nn.upsample_bilinear2d if input.dim() == 4 else torch._C._nn.upsample_trilinear3d
        )
        return operation(input, output_size, align_corners, scale_factors)

    def _replication_pad(self, input: Tensor, pad: Any) -> Tensor:
        return torch._C._nn.pad(input, pad, "replicate", None)

    def max_pool3d_with_indices(self, input: Tensor, *arguments: Any) -> Any:
        return torch._C._nn.max_pool3d_with_indices(input, *arguments)
