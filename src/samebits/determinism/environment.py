"""The environment a deterministic program needs before it starts.

Two switches are read once, while the interpreter or the library starts:
the hash secret (`PYTHONHASHSEED`) and cuBLAS's workspace
(`CUBLAS_WORKSPACE_CONFIG`).  Setting them inside a running program changes
nothing, so they are returned for the parent process to set.
"""

from __future__ import annotations

from collections.abc import Mapping

HASH_SECRET = "PYTHONHASHSEED"
CUBLAS = "CUBLAS_WORKSPACE_CONFIG"
#: The workspace layouts that are deterministic; torch's own error message names this one first.
#: https://docs.nvidia.com/cuda/cublas/#results-reproducibility
CUBLAS_WORKSPACE = ":4096:8"
_CUBLAS_DETERMINISTIC = (":4096:8", ":16:8")


def deterministic_environment(
    seed: int | None = None, given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The variables to set before the interpreter starts.

    `seed` also chooses the hash secret, of which Python keeps 32 bits; None
    means 0, which turns hash randomisation off.  What the user set is kept, if
    it is `given` here and makes a program repeat.
    """
    given = given or {}
    secret = given.get(HASH_SECRET, "")
    workspace = given.get(CUBLAS, "")
    fixed = secret.isascii() and secret.isdigit() and int(secret) < 2**32
    return {
        HASH_SECRET: secret if fixed else str((seed or 0) % 2**32),
        CUBLAS: workspace if workspace in _CUBLAS_DETERMINISTIC else CUBLAS_WORKSPACE,
    }
