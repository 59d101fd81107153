"""What OpenMP's runtime and MKL have in force: they are asked, for a variable may be ignored without a word.

libgomp takes `OMP_DYNAMIC=true` and no "1", and a limit of threads that no function of torch's knows of.  MKL
takes the names of its branches in capitals, and on other processors than Intel's one of them alone.  Both are
asked in the library that torch is linked with.  The question decides MKL's branch, as its first call does.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from types import ModuleType
from typing import Any, Final

#: MKL_CBWR_* of mkl_types.h.
_BRANCHES: Final = {
    1: "OFF", 2: "AUTO", 3: "COMPATIBLE", 4: "SSE2", 5: "SSE3", 6: "SSSE3", 7: "SSE4_1", 8: "SSE4_2",
    9: "AVX", 10: "AVX2", 11: "AVX512_MIC", 12: "AVX512", 13: "AVX512_MIC_E1", 14: "AVX512_E1",
}  # fmt: skip
_ALL: Final = -1  # MKL_CBWR_ALL: the branch, and a bit for STRICT
_STRICT: Final = 0x10000


def runtimes(torch: ModuleType, threads: int | None) -> dict[str, Any]:
    """Rows of a manifest's `torch`.

    cbwr: MKL's branch, such as "COMPATIBLE,STRICT"; "OFF" where none was asked for.
    omp_dynamic: whether OpenMP may take fewer threads than it is asked for.
    thread_limit: what OpenMP allows, where that is less than torch's threads.
    What cannot be asked is left out.
    """
    found: dict[str, Any] = {}
    for name, question in (("cbwr", _branch), ("omp_dynamic", _dynamic)):
        if (answer := question(_libraries(torch))) is not None:
            found[name] = answer
    limit = _call(_libraries(torch), "omp_get_thread_limit")
    if limit is not None and threads is not None and 0 < limit < threads:
        found["thread_limit"] = limit
    return found


def _libraries(torch: ModuleType) -> list[ctypes.CDLL]:
    """Where torch's symbols come from: what is global in the process, then its own library."""
    found = []
    path = Path(str(getattr(torch, "__file__", None))).parent / "lib" / "libtorch_cpu.so"
    for name in (None, str(path)):
        try:
            found.append(ctypes.CDLL(name, mode=os.RTLD_NOLOAD | os.RTLD_LAZY))
        except (OSError, AttributeError, TypeError):  # not there, or no Linux
            continue
    return found


def _call(libraries: list[ctypes.CDLL], name: str, *arguments: int) -> int | None:
    function = next((getattr(library, name) for library in libraries if hasattr(library, name)), None)
    if function is None:
        return None
    function.restype = ctypes.c_int
    return int(function(*map(ctypes.c_int, arguments)))


def _dynamic(libraries: list[ctypes.CDLL]) -> bool | None:
    answer = _call(libraries, "omp_get_dynamic")
    return None if answer is None else answer != 0


def _branch(libraries: list[ctypes.CDLL]) -> str | None:
    answer = _call(libraries, "mkl_serv_cbwr_get", _ALL)
    name = _BRANCHES.get((answer or 0) & ~_STRICT)
    if answer is None or name is None:
        return None
    return f"{name},STRICT" if answer & _STRICT else name
