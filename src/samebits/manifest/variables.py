"""Which environment variables a manifest holds: an allow-list, nothing else.

On it is what can change bits (threads, instruction sets, library modes, the
hash secret) or says which part of a distributed run this process was.  What
differs between any two runs of one program (ports, run ids, log folders) stays
off it even where a prefix would let it in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from samebits.manifest.secrets import redact, secret_name, secret_value

_NAMES: Final = frozenset(
    {
        "CUBLAS_WORKSPACE_CONFIG",
        "CUDA_DEVICE_ORDER",
        "CUDA_LAUNCH_BLOCKING",
        "CUDA_VISIBLE_DEVICES",
        "GLIBC_TUNABLES",
        "HIP_VISIBLE_DEVICES",
        "LANG",  # how texts are sorted and numbers are read
        "LC_ALL",
        "LC_COLLATE",
        "LC_NUMERIC",
        "LD_PRELOAD",  # other allocators and OpenMP runtimes come in here
        "LOCAL_RANK",
        "LOCAL_WORLD_SIZE",
        "NODE_RANK",
        "NPY_DISABLE_CPU_FEATURES",
        "NVIDIA_TF32_OVERRIDE",
        "PYTHONHASHSEED",
        "RANK",
        "ROCR_VISIBLE_DEVICES",
        "SLURM_LOCALID",
        "SLURM_NTASKS",
        "SLURM_PROCID",
        "TZ",  # the hour of a date
        "VECLIB_MAXIMUM_THREADS",
        "WORLD_SIZE",
    }
)
_PREFIXES: Final = (
    "ATEN_", "BLIS_", "CUDNN_", "DNNL_", "GLOO_", "GOMP_", "KMP_", "MALLOC_", "MIOPEN_", "MKL_", "NCCL_",
    "NUMEXPR_", "OMP_", "ONEDNN_", "OPENBLAS_", "PL_", "PYTORCH_", "ROCBLAS_", "TORCH", "TRITON_", "XLA_",
)  # fmt: skip
#: Parts of names, between underscores, that make two runs of one program differ for no reason of interest.
_PASSING: Final = frozenset(
    {"ADDR", "DIR", "DUMP", "FILE", "HOME", "HOST", "ID", "LOG", "LOGS", "PATH", "PORT"}
)
_LONGEST: Final = 1000


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of `environ` a manifest may hold, by name."""
    return {name: environ[name] for name in sorted(environ) if _allowed(name, environ[name])}


def _allowed(name: str, value: str) -> bool:
    if name not in _NAMES and not name.startswith(_PREFIXES):
        return False
    if name not in _NAMES and not _PASSING.isdisjoint(name.split("_")):
        return False
    if secret_name(name) or len(value) > _LONGEST or secret_value(value):
        return False
    return redact(f"{name}={value}") == f"{name}={value}"
