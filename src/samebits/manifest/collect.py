"""What this process runs on: versions, hardware, threads, flags, variables.

Collecting changes nothing and starts nothing: no accelerator is initialised, no
module imported, no generator drawn from, no pool of threads made.  Some libraries
decide when first *asked*: torch picks its CPU instruction set, and MKL its threads
and its branch, at the first question or operation.  A script may still set the variables
for that after `import torch`, so `collect` belongs where the first optimizer step
or the end of the program is, by when operations have decided; at the beginning of
a program only `collect_static` may be called.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from samebits import __version__
from samebits._runtime import mirrored
from samebits.manifest.arguments import alike, redacted
from samebits.manifest.flags import flags, native_kernels
from samebits.manifest.manifest import Manifest
from samebits.manifest.runtimes import runtimes
from samebits.manifest.started import started
from samebits.manifest.variables import variables

#: Libraries whose version can change a training run's numbers; noted where the program imported them.
_LIBRARIES: Final = (
    "accelerate", "albumentations", "apex", "bitsandbytes", "cupy", "cv2", "datasets", "deepspeed",
    "diffusers", "flash_attn", "imgaug", "jax", "kornia", "lightning", "mmengine", "monai", "numba",
    "numpy", "pandas", "PIL", "pytorch_lightning", "scipy", "skimage", "sklearn", "timm", "tokenizers",
    "torch", "torch_geometric", "torchaudio", "torchdata", "torchtext", "torchvision", "transformers",
    "triton", "xformers",
)  # fmt: skip
#: How a GPU shows where its driver has no files under /proc: under WSL, in some containers, AMD's.
_DEVICES: Final = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")


def collect_static() -> Manifest:
    """What is known without torch: Python, machine, variables, command line.  Plain data, fit for JSON."""
    manifest = Manifest(
        samebits=__version__,
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        executable=sys.executable,
        libraries=_libraries(),
        machine=dict(_machine()),
        hash=_hash(),
        variables=variables(os.environ),
        argv=redacted([mirrored.real(word) for word in alike(sys.argv)]),
        cwd=_ask(lambda: mirrored.real(os.getcwd())),
    )
    before = started()
    if before is not None:
        manifest["started"] = before
    return manifest


def collect() -> Manifest:
    """`collect_static` and what torch, if this process has imported it, says of itself.

    Not before the program's first operations: see the module's docstring.
    """
    manifest = collect_static()
    torch = loaded_torch()
    if torch is not None:
        manifest["torch"] = _torch(torch)
        manifest["flags"] = flags(torch)
        manifest["accelerators"] = _accelerators(torch)
    return manifest


def loaded_torch() -> ModuleType | None:
    """torch, if this process has imported it; None for one whose import failed midway, or a stand-in."""
    torch = sys.modules.get("torch")
    parts = ("__config__", "backends", "cuda", "default_generator", "get_num_threads", "version")
    return torch if torch is not None and all(hasattr(torch, part) for part in parts) else None


def _ask(question: Callable[[], Any]) -> Any:
    """The answer, or None: a library in an odd state must not stop a run."""
    try:
        return question()
    except Exception:
        return None


def _hash() -> dict[str, bool]:
    found = {"randomized": bool(sys.flags.hash_randomization)}
    if sys.flags.ignore_environment:  # PYTHONHASHSEED, too
        found["environment_ignored"] = True
    return found


def _libraries() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        module = sys.modules.get(name)
        version = getattr(module, "__version__", None)
        if version is not None:
            found[name] = str(version)
    return found


@lru_cache(maxsize=1)
def _machine() -> tuple[tuple[str, Any], ...]:
    model, flags = _cpu()
    return (
        ("system", platform.system()),
        ("kernel", platform.release()),
        ("architecture", platform.machine()),
        ("libc", _ask(lambda: os.confstr("CS_GNU_LIBC_VERSION"))),  # sin, exp and pow are its
        ("cpu", model),
        ("cpu_flags", flags),
        ("cores", _cores()),
        ("memory", _ask(lambda: os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))),
    )


def _cores() -> int | None:
    """The cores this process may use, which is what libraries size their pools by."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _cpu() -> tuple[str | None, str | None]:
    """The processor's name and a digest of its instruction sets, from its first core."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            first = file.read(16384).split("\n\n", 1)[0]
    except OSError:
        return platform.processor() or None, None
    lines = (line.partition(":") for line in first.splitlines())
    rows = {name.strip(): value.strip() for name, _, value in lines}
    flags = rows.get("flags") or rows.get("Features")
    return rows.get("model name"), _digest(flags) if flags else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _torch(torch: ModuleType) -> dict[str, Any]:
    build = _ask(torch.__config__.show) or ""
    found = {
        # The instruction set is a choice of this process, not of the build: a row of its own.
        "build": _digest("\n".join(line for line in build.splitlines() if "CPU capability" not in line)),
        "capability": _ask(torch.backends.cpu.get_cpu_capability),
        "threads": _ask(torch.get_num_threads),
        "interop_threads": _ask(torch.get_num_interop_threads),
        "parallel": _parallel(_ask(torch.__config__.parallel_info) or ""),
        "mkl": _ask(torch.backends.mkl.is_available),
        "mkldnn": _ask(torch.backends.mkldnn.is_available),
        "cuda": torch.version.cuda,
        "hip": torch.version.hip,
    }
    found |= _ask(lambda: runtimes(torch, found["threads"])) or {}
    native = native_kernels(torch)
    return found if native is None else found | {"native_kernels": native}


def _parallel(text: str) -> dict[str, str]:
    """The rows of `parallel_info()` that name a backend or count its threads."""
    rows = {}
    for line in text.splitlines():
        name, colon, value = (part.strip() for part in line.partition(" : "))
        if colon and name.startswith(("omp_get", "mkl_get")):
            rows[name] = value
        elif line.startswith("ATen parallel backend:"):
            rows["backend"] = line.partition(":")[2].strip()
    return rows


def _accelerators(torch: ModuleType) -> list[dict[str, Any]]:
    """The devices.  Asking CUDA would initialise its driver, after which a fork can no longer use it, so
    before the program itself did, only the driver's own files are read."""
    cuda = torch.cuda
    if not _ask(cuda.is_initialized):
        return _driver_files()
    version = _ask(torch.backends.cudnn.version)
    driver = _driver_version()
    return [
        {
            "name": device.name,
            "capability": f"{device.major}.{device.minor}",
            "multiprocessors": device.multi_processor_count,
            "memory": device.total_memory,
            "cudnn": version,
            "driver": driver,
        }
        for device in map(cuda.get_device_properties, range(cuda.device_count()))
    ]


def _driver_files() -> list[dict[str, Any]]:
    driver = _driver_version()
    found = []
    for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        text = _ask(file.read_text) or ""
        name = next(
            (line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("Model")), None
        )
        found.append({"name": name, "driver": driver})
    if not found and any(os.path.exists(device) for device in _DEVICES):
        found.append({"name": None, "driver": driver})
    return found


def _driver_version() -> str | None:
    text = _ask(Path("/proc/driver/nvidia/version").read_text)
    words = str(text or "").split()
    return next((word for word in words if word[:1].isdigit() and "." in word), None)
