"""What kind of machine this is: all that the bits of float operations are known to hang on, and nothing else.

Machines of one kind must have the same bits, so that other bits are a fault.  A row too many makes a machine
unknown; a row too few would accuse one that is merely different.  The rows are the manifest's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch

from samebits.manifest import collect
from samebits.manifest.diff import flat

#: Rows of a manifest.
_ROWS: Final = (
    "libraries.torch", "torch.build", "torch.capability", "machine.system", "machine.architecture",
    "machine.cpu", "machine.cpu_flags", "machine.libc", "flags.backends.mkldnn.enabled",
)  # fmt: skip
_LIBRARIES: Final = ("variables.MKL_", "variables.ONEDNN_", "variables.DNNL_", "variables.GLIBC_")
_ON_CUDA: Final = (
    "variables.CUBLAS_",
    "variables.CUDNN_",
    "variables.NVIDIA_",
    "variables.PYTORCH_TUNABLEOP_",
)
#: Variables that choose a number of threads, which is fixed here, or say how something is shown.
_NOT: Final = ("_NUM_THREADS", "_VERBOSE", "_DYNAMIC")
#: Sizes of caches, by which MKL and oneDNN part their work.
_CACHES: Final = "/sys/devices/system/cpu/cpu0/cache"


def kind(device: torch.device) -> dict[str, Any]:
    """The kind of this machine, as plain data."""
    manifest = collect()
    rows = dict(flat(manifest))
    found = {name: rows.get(name) for name in _ROWS}
    chosen = _LIBRARIES + (_ON_CUDA if device.type == "cuda" else ())
    found |= {name: rows[name] for name in rows if name.startswith(chosen) and not name.endswith(_NOT)}
    found |= {"caches": _caches(), "device": device.type, "threads": 1}
    if device.type == "cuda":
        devices: list[dict[str, Any]] = manifest["accelerators"]
        here = devices[device.index or 0]
        found |= {
            f"gpu.{name}": here.get(name)
            for name in ("name", "capability", "multiprocessors", "cudnn", "driver")
        }
    return found


def _caches() -> str:
    """ "L1 32K, L1 32K, L2 1024K, L3 32768K"; "" where it cannot be read."""
    rows = []
    try:
        for folder in sorted(Path(_CACHES).glob("index*")):
            level, size = ((folder / name).read_text().strip() for name in ("level", "size"))
            rows.append(f"L{level} {size}")
    except OSError:
        return ""
    return ", ".join(rows)
