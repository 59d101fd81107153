"""torch's global switches: read, set, and put back exactly.

One `Switch` a setting.  A snapshot is what all of them were set to; putting it back
is exact also where torch has two interfaces for one setting (TF32 has an old and a
new one, each of which refuses to be read while the other disagrees).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch._inductor import config as _compiler

from samebits.determinism import flag
from samebits.determinism.environment import CUBLAS


@dataclass(frozen=True, slots=True)
class Switch:
    """One global setting: how it is read and how it is set."""

    read: Callable[[], Any]
    write: Callable[[Any], None]


#: Backend and operation, general before particular: setting a general one moves those below it.
_PRECISIONS: Final = (
    *(("generic", "all"), ("cuda", "all"), ("cuda", "matmul"), ("cuda", "conv"), ("cuda", "rnn")),
    *(("mkldnn", "all"), ("mkldnn", "matmul"), ("mkldnn", "conv"), ("mkldnn", "rnn")),
)
_SUMS: Final = (
    "allow_fp16_reduced_precision_reduction",
    "allow_bf16_reduced_precision_reduction",
    "allow_fp16_accumulation",
)
_ATTENTION: Final = ("flash", "mem_efficient", "math", "cudnn")


def _read_algorithms() -> tuple[bool, bool, bool]:
    return (*flag.read(), _compiler.deterministic)


def _write_algorithms(value: tuple[bool, bool, bool]) -> None:
    """As `torch.use_deterministic_algorithms`, which sets inductor's mode as well."""
    enabled, warn_only, _compiler.deterministic = value
    flag.write(flag.DeterministicFlag(enabled, warn_only))


def _read_precision() -> dict[str, Any]:
    modern = [torch._C._get_fp32_precision_getter(*pair) for pair in _PRECISIONS]
    sums = [
        getattr(torch._C, f"_get_cublas_{name}")() for name in _SUMS
    ]  # with split-k, unlike the attribute
    return {
        "matmul": _or_none(torch.get_float32_matmul_precision),
        "cublas": _or_none(torch._C._get_cublas_allow_tf32),
        "cudnn": _or_none(torch._C._get_cudnn_allow_tf32),
        "modern": modern,
        "sums": sums,
        "attention": torch._C._get_math_sdp_allow_fp16_bf16_reduction(),
    }


def _write_precision(value: dict[str, Any]) -> None:
    """The old interface first: setting it moves the new one."""
    if value["matmul"] is not None:
        torch.set_float32_matmul_precision(value["matmul"])
    elif value["cublas"] is not None:
        torch._C._set_cublas_allow_tf32(value["cublas"])
    if value["cudnn"] is not None:
        torch._C._set_cudnn_allow_tf32(value["cudnn"])
    for pair, precision in zip(_PRECISIONS, value["modern"], strict=True):
        torch._C._set_fp32_precision_setter(*pair, precision)
    for name, allowed in zip(_SUMS, value["sums"], strict=True):
        setattr(torch.backends.cuda.matmul, name, allowed)
    torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(value["attention"])


#: float32 products in float32, and sums of half types in float32.
FULL_PRECISION: Final = {
    "matmul": "highest",
    "cublas": False,
    "cudnn": False,
    "modern": ["ieee"] * len(_PRECISIONS),
    "sums": [False] * len(_SUMS),
    "attention": False,
}


def _or_none(read: Callable[[], Any]) -> Any:
    """None where the old interface refuses, since the program has used the new one."""
    try:
        return read()
    except RuntimeError:
        return None


def _read_attention() -> dict[str, bool]:
    return {name: getattr(torch.backends.cuda, f"{name}_sdp_enabled")() for name in _ATTENTION}


def _write_attention(value: Mapping[str, bool]) -> None:
    for name, enabled in value.items():
        getattr(torch.backends.cuda, f"enable_{name}_sdp")(enabled)


def only_attention(backend: str) -> dict[str, bool]:
    """The value of the switch `attention` that leaves one backend."""
    return {name: name == backend for name in _ATTENTION}


def _write_workspace(value: str | None) -> None:
    if value is None:
        os.environ.pop(CUBLAS, None)
    else:
        os.environ[CUBLAS] = value


def _attribute(owner: Any, name: str) -> Switch:
    return Switch(lambda: getattr(owner, name), lambda value: setattr(owner, name, value))


SWITCHES: Final[Mapping[str, Switch]] = {
    "algorithms": Switch(_read_algorithms, _write_algorithms),
    "cudnn_deterministic": Switch(torch._C._get_cudnn_deterministic, torch._C._set_cudnn_deterministic),
    "cudnn_benchmark": Switch(torch._C._get_cudnn_benchmark, torch._C._set_cudnn_benchmark),
    "fill_uninitialized_memory": _attribute(torch.utils.deterministic, "fill_uninitialized_memory"),
    "attention": Switch(_read_attention, _write_attention),
    "precision": Switch(_read_precision, _write_precision),
    "threads": Switch(torch.get_num_threads, torch.set_num_threads),
    "workspace": Switch(lambda: os.environ.get(CUBLAS), _write_workspace),
}


def snapshot() -> dict[str, Any]:
    """What every switch is set to."""
    return {name: switch.read() for name, switch in SWITCHES.items()}


def apply(values: Mapping[str, Any]) -> None:
    """Set the switches that `values` names, where they stand otherwise."""
    for name, value in values.items():
        switch = SWITCHES[name]
        if switch.read() != value:
            switch.write(value)
