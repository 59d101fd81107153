"""torch's switches that can change bits: where each is read, and what it is where nobody set it.

Reading one initialises nothing and warns of nothing.  TF32 is read by its new interface, for the old one
raises where a program has used both.  A switch that a version of torch lacks, or whose part of torch is not
loaded, is left out; whoever compares two manifests takes torch's default for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

#: By attribute path: torch's default; a path that ends with () is called.
SWITCHES: Final[dict[str, bool | str]] = {
    "backends.cuda.cudnn_sdp_enabled()": True,
    "backends.cuda.flash_sdp_enabled()": True,
    "backends.cuda.math_sdp_enabled()": True,
    "backends.cuda.matmul.allow_bf16_reduced_precision_reduction": True,
    "backends.cuda.matmul.allow_fp16_accumulation": False,
    "backends.cuda.matmul.allow_fp16_reduced_precision_reduction": True,
    "backends.cuda.matmul.fp32_precision": "none",
    "backends.cuda.mem_efficient_sdp_enabled()": True,
    "backends.cudnn.benchmark": False,
    "backends.cudnn.conv.fp32_precision": "tf32",
    "backends.cudnn.deterministic": False,
    "backends.cudnn.enabled": True,
    "backends.cudnn.rnn.fp32_precision": "tf32",
    "backends.fp32_precision": "none",
    "backends.mkldnn.conv.fp32_precision": "none",
    "backends.mkldnn.deterministic": False,
    "backends.mkldnn.enabled": True,
    "backends.mkldnn.matmul.fp32_precision": "none",
    "backends.mkldnn.rnn.fp32_precision": "none",
    "utils.deterministic.fill_uninitialized_memory": True,
    "_inductor.config.benchmark_fusion": False,
    "_inductor.config.coordinate_descent_tuning": False,
    "_inductor.config.cpp_wrapper": False,
    "_inductor.config.deterministic": False,
    "_inductor.config.fallback_random": False,
    "_inductor.config.max_autotune": False,
    "_inductor.config.max_autotune_gemm": False,
    "_inductor.config.max_autotune_pointwise": False,
}
#: What `torch` itself is asked for.
_ASKED: Final[dict[str, bool | str]] = {
    "deterministic_algorithms": False,
    "deterministic_warn_only": False,
    "default_dtype": "torch.float32",
    "cuda.tunable": False,
}
#: Name in a manifest -> torch's default.
DEFAULTS: Final[dict[str, bool | str]] = _ASKED | {
    path.removesuffix("()"): value for path, value in SWITCHES.items()
}


def flags(torch: ModuleType) -> dict[str, Any]:
    """The switches of a torch that is imported, by the names of `DEFAULTS`."""
    asked: dict[str, Callable[[], Any]] = {
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled,
        "deterministic_warn_only": torch.is_deterministic_algorithms_warn_only_enabled,
        "default_dtype": lambda: str(torch.get_default_dtype()),
    }
    found: dict[str, Any] = {name: _or_none(ask) for name, ask in asked.items()}
    if _or_none(torch.cuda.is_initialized):  # TunableOp may not be asked before
        found["cuda.tunable"] = _or_none(torch.cuda.tunable.is_enabled)
    for path in SWITCHES:
        value = _flag(torch, path.removesuffix("()"))
        if path.endswith("()") and callable(value):
            value = _or_none(value)
        if isinstance(value, bool | int | float | str):
            found[path.removesuffix("()")] = value
    return found


def _or_none(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except Exception:
        return None


def _flag(torch: ModuleType, path: str) -> Any:
    """A switch by its path; None where this torch has none or has not loaded that part."""
    place: Any = torch
    for name in path.split("."):
        if place is torch and name not in vars(torch):
            return None  # torch imports some of its parts when asked for them
        try:
            place = getattr(place, name)
        except Exception:
            return None
    return place


def native_kernels(torch: ModuleType) -> list[str] | None:
    """The operations that `torch._native` answers on CUDA where the GPU suits it; what each is written in.

    None where this torch has no such kernels, or is not built for a GPU.
    """
    registry = sys.modules.get("torch._native.registry")
    if registry is None or not (torch.version.cuda or torch.version.hip):
        return None
    try:
        return sorted(
            f"{operation} ({node.dsl_name})"
            for (operation, key), nodes in registry._graphs.items()
            for node in nodes
            if key == "CUDA" and node.active and registry._filter_state.check_enabled(node)
        )
    except Exception:  # torch's own business, which may change
        return None
