"""The secret behind `hash(str)`: fixed when the interpreter starts, and never afterwards.

Setting `PYTHONHASHSEED` inside a running program changes its children and not
itself.  So this file tells what the interpreter really runs with, and starts
the program once more where it must be fixed.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Final

from samebits.errors import UsageError
from samebits.seeding.ranks import is_started_child

_VARIABLE: Final = "PYTHONHASHSEED"
_AGAIN: Final = "SAMEBITS_HASH_SEED_ENSURED"
_SECRET: Final = 24  # bytes: _Py_HashSecret_t, CPython's Include/pyhash.h

_warned = False


class HashSeedWarning(UserWarning):
    """The order of sets of strings differs from run to run, whatever is seeded."""


def fixed_hash_seed() -> int | None:
    """The number that fixed this interpreter's hash secret when it started; None: it is random.

    `os.environ` may have been changed since, so its number is checked against
    the secret itself where the interpreter shows it.
    """
    if not sys.flags.hash_randomization:
        return 0
    text = os.environ.get(_VARIABLE, "")
    secret = _secret()
    if not (text.isascii() and text.isdigit()):
        return None
    number = int(text)
    if number >= 2**32 or sys.flags.ignore_environment:
        return None
    return number if secret is None or secret == _expanded(number) else None


def _secret() -> bytes | None:
    """This interpreter's secret, or None where it is hidden."""
    import ctypes

    try:
        return bytes((ctypes.c_ubyte * _SECRET).in_dll(ctypes.pythonapi, "_Py_HashSecret"))
    except (AttributeError, ValueError):
        return None


def _expanded(number: int) -> bytes:
    """What CPython makes of PYTHONHASHSEED (`lcg_urandom`, Python/bootstrap_hash.c)."""
    secret = bytearray()
    for _ in range(_SECRET):
        number = (number * 214013 + 2531011) % 2**32
        secret.append(number >> 16 & 0xFF)
    return bytes(secret)


def warn_if_random(seed: int) -> None:
    """Warn, once a process and not in its children, if the hash secret is random."""
    global _warned
    if _warned or is_started_child() or fixed_hash_seed() is not None:
        return
    _warned = True
    script = os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0].endswith(".py") else "SCRIPT"
    warnings.warn(
        "no seed reaches hash(str): this interpreter started with a random hash secret, so the order of a "
        f"set of strings differs from run to run. Fix it from outside: samebits run --seed {seed} {script}  "
        f" (or {_VARIABLE}=0 python {script}); or call samebits.ensure_hash_seed() first in the program.",
        HashSeedWarning,
        stacklevel=3,
    )


def ensure_hash_seed(seed: int = 0) -> None:
    """Start this program again with a fixed hash secret, unless its secret is fixed already.

    To be called first in a program: what ran before runs twice.  Files, sockets
    and the process id are kept, threads and unwritten buffers of other
    libraries are not.  Where it returns, the secret is fixed.

    Args:
        seed: 0 .. 2**32 - 1, what Python accepts as PYTHONHASHSEED; 0 turns hash randomisation off.

    Raises:
        TypeError, ValueError: `seed` is not such a number.
        UsageError: the program cannot be started again: a notebook or an
            interactive session, a program read from standard input, an
            interpreter that ignores variables (-E, -I), or a child of
            multiprocessing.  Says what to do instead.
    """
    from samebits.model.seed import checked_seed

    number = checked_seed(seed, "ensure_hash_seed", limit=2**32, why="which is all that Python takes")
    if fixed_hash_seed() is not None:
        os.environ.pop(_AGAIN, None)
        return
    obstacle = _obstacle()
    if obstacle is not None:
        raise UsageError(
            f"ensure_hash_seed: {obstacle}. Set the variable before it starts: {_VARIABLE}={number}, or "
            "start the program with: samebits run"
        )
    sys.stdout.flush()
    sys.stderr.flush()
    variables = {**os.environ, _VARIABLE: str(number), _AGAIN: "1"}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], variables)


def _obstacle() -> str | None:
    """Why this program cannot be started again."""
    if sys.flags.ignore_environment:
        return "this interpreter ignores variables (-E or -I)"
    if hasattr(sys, "ps1") or "ipykernel" in sys.modules or sys.flags.interactive:
        return "an interactive session or a notebook cannot be started again"
    if is_started_child():
        return "a child of multiprocessing has its parent's hash secret and cannot be started again"
    words = sys.orig_argv[1:]
    if not sys.executable or not words or "-" in words[:1] or (sys.argv and sys.argv[0] in ("", "-")):
        return "a program read from the standard input cannot be read again"
    if _AGAIN in os.environ:
        return "it was started again and its hash secret is random all the same"
    return None
