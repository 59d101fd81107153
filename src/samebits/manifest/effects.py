"""What a difference in one row of two manifests does to bits: certain, likely, possible or none, and why.

"certain": sums and products of ordinary size come out with other bits.  "likely": other kernels are chosen,
or other code runs, and some results do.  "possible": it hangs on what the program uses; so does whatever no
row of this table knows.  "none": no arithmetic depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Literal

Effect = Literal["certain", "likely", "possible", "none"]
#: The strongest first.
EFFECTS: Final[tuple[Effect, ...]] = ("certain", "likely", "possible", "none")


@dataclass(frozen=True, slots=True)
class KnownEffect:
    """A row of the table: keys of a manifest, as a pattern; `*` is any part of a key."""

    keys: str
    effect: Effect
    why: str


_SPLIT: Final = "a sum that is split over another number of threads is added in another order"
_LIBRARY: Final = "another version of a numerical library has other kernels"
_CODE: Final = "other code was run"
_PRECISION: Final = "float32 products have fewer bits where the processor can"
_RANKS: Final = "sums over ranks are added in another order"
_HASH: Final = "sets of strings are iterated in another order"
_CPU: Final = "MKL and oneDNN choose their kernels by the processor"
_MEASURED: Final = "products have the kernel that was measured fastest"
_KERNEL: Final = "another kernel is chosen for some operations"
_SHOWN: Final = "it says where and on what it ran, and no arithmetic depends on it"

#: The first row that matches a key counts.
TABLE: Final = (
    KnownEffect("flags.default_dtype", "certain", "tensors are made in another precision"),
    KnownEffect("torch.capability", "certain", "other vector instructions add in another order"),
    KnownEffect("torch.threads", "certain", _SPLIT),
    KnownEffect("torch.thread_limit", "certain", _SPLIT),
    KnownEffect("torch.cbwr", "certain", "MKL takes other kernels for products"),
    KnownEffect("torch.omp_dynamic", "likely", _SPLIT),
    KnownEffect("machine.architecture", "certain", "the kernels are those of another processor"),
    KnownEffect("accelerators", "likely", "kernels are chosen by the model of the GPU, its driver and cuDNN"),
    KnownEffect("flags.backends.*fp32_precision", "likely", _PRECISION),
    KnownEffect("variables.NVIDIA_TF32_OVERRIDE", "likely", _PRECISION),
    KnownEffect("variables.TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "likely", _PRECISION),
    KnownEffect("variables.ONEDNN_DEFAULT_FPMATH_MODE", "likely", _PRECISION),
    KnownEffect("variables.CUBLAS_EMULATE_*", "likely", "cuBLAS composes products of narrower ones"),
    KnownEffect(
        "flags.backends.cuda.matmul.allow_*", "likely", "products of half types are summed in half types"
    ),
    KnownEffect("flags.backends.cuda.*_sdp_enabled", "likely", "attention is computed by another kernel"),
    KnownEffect("flags.deterministic_warn_only", "possible", "operations that raise elsewhere run here"),
    KnownEffect("flags.deterministic_algorithms", "likely", _KERNEL),
    KnownEffect(
        "flags.utils.deterministic.*", "possible", "memory that was never filled holds something else"
    ),
    KnownEffect(
        "flags._inductor.config.fallback_random", "possible", "compiled code draws other random numbers"
    ),
    KnownEffect("flags._inductor.*", "possible", "compiled code has other kernels"),
    KnownEffect("flags.backends.*", "likely", _KERNEL),
    KnownEffect("flags.cuda.tunable", "likely", _MEASURED),
    KnownEffect("libraries.torch", "likely", _LIBRARY),
    KnownEffect("torch.build", "likely", "torch was built with other libraries or options"),
    KnownEffect("torch.cuda", "likely", _LIBRARY),
    KnownEffect("torch.hip", "likely", _LIBRARY),
    KnownEffect("torch.mkl", "likely", _LIBRARY),
    KnownEffect("torch.mkldnn", "likely", _LIBRARY),
    KnownEffect("torch.native_kernels", "possible", "torch chooses these kernels by the GPU"),
    KnownEffect("torch.parallel", "possible", _SPLIT),
    KnownEffect(
        "torch.interop_threads", "none", "these threads run operations beside each other and split none"
    ),
    KnownEffect("machine.cpu", "likely", _CPU),
    KnownEffect("machine.cpu_flags", "likely", _CPU),
    KnownEffect(
        "machine.libc", "possible", "sin, exp and pow of Python and of some kernels are the C library's"
    ),
    KnownEffect("machine.cores", "possible", "pools of threads and of workers are sized by the cores"),
    KnownEffect("machine.system", "possible", "folders are listed, and processes started, in another way"),
    KnownEffect("machine.kernel", "none", _SHOWN),
    KnownEffect("machine.memory", "none", _SHOWN),
    KnownEffect("variables.ATEN_CPU_CAPABILITY", "likely", "it chooses torch's vector instructions"),
    KnownEffect("variables.OMP_*", "likely", _SPLIT),
    KnownEffect("variables.MKL_*", "likely", "MKL chooses other kernels, or another number of threads"),
    KnownEffect("variables.ONEDNN_*", "likely", "oneDNN chooses other kernels"),
    KnownEffect("variables.DNNL_*", "likely", "oneDNN chooses other kernels"),
    KnownEffect(
        "variables.CUBLAS_*", "likely", "cuBLAS chooses other kernels, or other ones from call to call"
    ),
    KnownEffect("variables.CUDNN_*", "likely", "cuDNN chooses other kernels"),
    KnownEffect("variables.PYTORCH_TUNABLEOP_*", "likely", _MEASURED),
    KnownEffect("variables.TORCHINDUCTOR_*", "possible", "compiled code has other kernels"),
    KnownEffect("variables.NCCL_*", "likely", _RANKS),
    KnownEffect("variables.GLOO_*", "possible", _RANKS),
    KnownEffect("variables.TORCH_DIST_*", "likely", _RANKS),
    KnownEffect("variables.WORLD_SIZE", "certain", "another number of ranks shares out the samples"),
    KnownEffect("variables.LOCAL_WORLD_SIZE", "possible", _RANKS),
    KnownEffect("variables.*RANK", "possible", "they are different ranks of a distributed run"),
    KnownEffect("variables.PYTHONHASHSEED", "possible", _HASH),
    KnownEffect("variables.TZ", "possible", "dates have another hour"),
    KnownEffect("variables.LANG", "possible", "texts are sorted in another order"),
    KnownEffect("variables.LC_*", "possible", "texts are sorted in another order"),
    KnownEffect("variables.LD_PRELOAD", "possible", "libraries were put before the others"),
    KnownEffect("variables.CUDA_VISIBLE_DEVICES", "possible", "another GPU may have been used"),
    KnownEffect("started.PYTHONHASHSEED", "possible", _HASH),
    KnownEffect("started", "possible", "a variable was changed while the program ran, in one of them only"),
    KnownEffect("hash.randomized", "none", "it follows from PYTHONHASHSEED, which is a row of its own"),
    KnownEffect("hash", "possible", _HASH),
    KnownEffect("argv", "likely", "it is another command"),
    KnownEffect("git.commit", "likely", _CODE),
    KnownEffect("git.digest", "likely", _CODE),
    KnownEffect("git", "possible", _CODE),
    KnownEffect("libraries.numpy", "possible", _LIBRARY),
    KnownEffect("libraries", "possible", "another version of a library that the program imports"),
    KnownEffect(
        "python", "possible", "another Python has other algorithms of its own, such as sums of floats"
    ),
    KnownEffect("implementation", "possible", "another Python has other algorithms of its own"),
    KnownEffect("cwd", "none", _SHOWN),
    KnownEffect("executable", "none", _SHOWN),
    KnownEffect("samebits", "none", "samebits observes, and changes no bit"),
)
_UNKNOWN: Final = KnownEffect("*", "possible", "samebits knows nothing of it")
_ONLY_GPU: Final = (
    "flags.backends.cuda.*",
    "flags.backends.cudnn.*",
    "flags.cuda.*",
    "torch.native_kernels",
    *(f"variables.{name}_*" for name in ("CUBLAS", "CUDA", "CUDNN", "NCCL", "NVIDIA", "PYTORCH_TUNABLEOP")),
)
_NO_GPU: Final = KnownEffect("*", "none", "neither had a GPU, which is all that it concerns")
_ASKED: Final = KnownEffect("*", "none", "what is in force is the same in both")

#: What was asked for -> what is in force because of it.  Where that is known and equal, what was asked for
#: changes nothing.
IN_FORCE: Final[Mapping[str, str]] = {
    "variables.ATEN_CPU_CAPABILITY": "torch.capability",
    "variables.MKL_CBWR": "torch.cbwr",
    "variables.OMP_DYNAMIC": "torch.omp_dynamic",
}
_CBWR: Final = "torch.cbwr"
_THREADS: Final = ("variables.OMP_NUM_THREADS", "variables.MKL_NUM_THREADS")
_COUNT: Final = "torch.threads"
_LIMIT: Final = "torch.thread_limit"
_DYNAMIC: Final = "torch.omp_dynamic"
#: MKL's branches that leave the choice to it.
_FREE: Final = {"OFF", "AUTO"}
_SAME_CHOICE: Final = KnownEffect("*", "none", "MKL chooses the same kernels by the processor in both")
_FIXED_SUMS: Final = KnownEffect("*", "possible", "with AUTO MKL adds in a fixed order on Intel's processors")
_NOT_ASKED: Final = KnownEffect("*", "none", "one of them was written by a samebits that did not ask for it")
#: Rows that differ because another one does.
FOLLOWS: Final[Mapping[str, tuple[str, ...]]] = {
    "variables.ATEN_CPU_CAPABILITY": ("torch.capability",),
    "variables.OMP_NUM_THREADS": ("torch.threads",),
    "variables.MKL_NUM_THREADS": ("torch.threads",),
    "variables.OMP_THREAD_LIMIT": ("torch.thread_limit",),
    "variables.OMP_DYNAMIC": ("torch.omp_dynamic",),
    "variables.MKL_CBWR": ("torch.cbwr",),
    "torch.parallel.*": ("torch.threads",),
    "torch.build": ("libraries.torch", "machine.architecture"),
    "torch.cuda": ("libraries.torch",),
    "machine.cpu_flags": ("machine.cpu", "machine.architecture"),
    "machine.cpu": ("machine.architecture",),
    "hash.randomized": ("variables.PYTHONHASHSEED", "started.PYTHONHASHSEED"),
    "started.PYTHONHASHSEED": ("variables.PYTHONHASHSEED",),
}


def effect(key: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> KnownEffect:
    """What the difference in one row does, given all rows of both manifests."""
    if _none_has_a_gpu(a, b) and any(fnmatchcase(key, pattern) for pattern in _ONLY_GPU):
        return _NO_GPU
    if (shown := IN_FORCE.get(key)) is not None and a.get(shown) == b.get(shown) is not None:
        return _ASKED
    if key in _THREADS and a.get(_COUNT) == b.get(_COUNT) and _as_it_is(key, a) and _as_it_is(key, b):
        return _ASKED
    if key in (_CBWR, _DYNAMIC) and None in (a.get(key), b.get(key)):
        return _NOT_ASKED
    if key in (_CBWR, "variables.MKL_CBWR") and {a.get(_CBWR), b.get(_CBWR)} <= _FREE:
        intel = any("intel" in str(rows.get("machine.cpu")).lower() for rows in (a, b))
        return _FIXED_SUMS if intel else _SAME_CHOICE
    asked = None not in (a.get(_DYNAMIC), b.get(_DYNAMIC))
    if key == "variables.OMP_THREAD_LIMIT" and asked and a.get(_LIMIT) == b.get(_LIMIT):
        return _ASKED
    return next((row for row in TABLE if matches(key, row.keys)), _UNKNOWN)


def _as_it_is(key: str, rows: Mapping[str, Any]) -> bool:
    """Whether a variable asks for no other number of threads than torch has, and that is known."""
    count = rows.get(_COUNT)
    return count is not None and rows.get(key) in (None, str(count))


def leader(key: str, differ: Mapping[str, object]) -> str | None:
    """The row of ``differ`` of which this one is a consequence; None: it stands for itself."""
    for pattern, above in FOLLOWS.items():
        if matches(key, pattern):
            return next((leader(one, differ) or one for one in above if one in differ), None)
    return None


def matches(key: str, pattern: str) -> bool:
    """Whether a key is the pattern, or a row below it."""
    return fnmatchcase(key, pattern) or fnmatchcase(key, f"{pattern}.*")


def _none_has_a_gpu(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return a.get("accelerators") == [] == b.get("accelerators")


def strongest(effects: Iterable[Effect]) -> Effect:
    """The strongest of some effects; "none" of none."""
    found = set(effects)
    return next((one for one in EFFECTS if one in found), "none")
