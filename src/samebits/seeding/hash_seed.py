"""The secret behind `hash(str)`: fixed when the interpreter starts, and never afterwards.

Setting `PYTHONHASHSEED` inside a running program changes its children and not
itself.  So this file tells what the interpreter really runs with, and starts
the program once more where it must be fixed.
"""

from __future__ import annotations

import os
import sys
import threading
from functools import lru_cache
from types import FrameType
from typing import Final

from samebits._runtime.warn import warn
from samebits.errors import UsageError
from samebits.seeding.ranks import RankPlace, is_started_child, place

_VARIABLE: Final = "PYTHONHASHSEED"
_AGAIN: Final = "SAMEBITS_HASH_SEED_ENSURED"
_SECRET: Final = 24  # bytes: _Py_HashSecret_t, CPython's Include/pyhash.h
_FACTOR: Final = 214013  # of CPython's generator for the secret
_TERM: Final = 2531011

_warned = False


class HashSeedWarning(UserWarning):
    """The order of sets of strings differs from run to run, whatever is seeded."""


def fixed_hash_seed() -> int | None:
    """The number that fixed this interpreter's hash secret when it started; None: it is random.

    `os.environ` may have been changed since, so its number is checked against the secret itself where the
    interpreter shows it, and where it is another the secret says which it was (one of the 256 that give this
    secret: the smallest).
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
    return number if secret is None or secret == _expanded(number) else _number_of(secret)


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
        number = (number * _FACTOR + _TERM) % 2**32
        secret.append(number >> 16 & 0xFF)
    return bytes(secret)


@lru_cache(1)
def _number_of(secret: bytes) -> int | None:
    """The smallest number that `_expanded` makes this secret of, or None.

    A byte of the secret is bits 16 to 23 of a state, and those depend on no higher ones.  So the first byte
    leaves 2**16 states of 24 bits, the second leaves some 256 of them, and each leads back to a number.
    """
    first, second = secret[0] << 16, secret[1]
    back = pow(_FACTOR, -1, 2**24)
    for state in range(first, first + 2**16):
        if (state * _FACTOR + _TERM) >> 16 & 0xFF == second:
            number = (state - _TERM) * back % 2**24
            if _expanded(number) == secret:
                return number
    return None


def warn_if_random(seed: int) -> None:
    """Warn, once a program and not in its children, if the hash secret is random."""
    global _warned
    if _warned or is_started_child() or fixed_hash_seed() is not None:
        return
    try:
        here = place()
    except UsageError:  # a launcher's variable that is no number
        here = RankPlace(0, 1, "alone")
    if here.rank:
        return
    _warned = True
    script = os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0].endswith(".py") else "SCRIPT"
    program = f"{script} ..." if here.source == "alone" else "-- torchrun ..."
    warn(
        "no seed reaches hash(str): this interpreter started with a random hash secret, so the order of a "
        f"set of strings differs from run to run. Fix it from outside: samebits run --seed {seed} {program}, "
        f"or {_VARIABLE}=0 in the environment; or call samebits.ensure_hash_seed() first in the program.",
        HashSeedWarning,
    )


def ensure_hash_seed(seed: int = 0) -> None:
    """Start this program again with a fixed hash secret, unless its secret is fixed already.

    To be called first in a program: what ran before runs twice, and what it read from its standard input is
    gone.  Files, sockets and the process id are kept, unwritten buffers of other libraries are not.  Where it
    returns, the secret is fixed: by `seed`, or as it was already.

    Args:
        seed: 0 .. 2**32 - 1, what Python accepts as PYTHONHASHSEED; 0 turns hash randomisation off.

    Raises:
        TypeError, ValueError: `seed` is not such a number.
        UsageError: the program cannot be started again: a notebook or an
            interactive session, a program read from standard input, an
            interpreter that ignores variables (-E, -I), a child of
            multiprocessing, pytest, a process group that is initialised,
            threads that run, or a working directory that was changed.  Says
            what to do instead.
    """
    from samebits.model.seed import checked_seed

    number = checked_seed(seed, "ensure_hash_seed", limit=2**32, why="which is all that Python takes")
    if fixed_hash_seed() is not None:
        os.environ.pop(_AGAIN, None)
        return
    obstacle = _obstacle()
    if obstacle is not None:
        raise UsageError(
            f"ensure_hash_seed: {obstacle}. Set the variable before it starts: {_VARIABLE}={number}; or "
            f"start a script with: samebits run --seed {number}"
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
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return "the process group is initialised, and its other ranks would wait; call it before"
    others = (thread for thread in threading.enumerate() if thread is not threading.main_thread())
    if not all(thread.daemon for thread in others):
        return "threads of this program are running, whose work would be begun again; call it before"
    if _is_called_by("_pytest"):
        return "pytest has the standard output, and its report would be lost"
    if not _is_found_again():
        return "the working directory was changed, where this program's file is not found; call it before"
    words = sys.orig_argv[1:]
    if not sys.executable or not words or "-" in words[:1] or (sys.argv and sys.argv[0] in ("", "-")):
        return "a program read from the standard input cannot be read again"
    if _AGAIN in os.environ:
        return "it was started again and its hash secret is random all the same (by python -R, perhaps)"
    return None


def _is_called_by(package: str) -> bool:
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package:
            return True
        frame = frame.f_back
    return False


def _is_found_again() -> bool:
    """Whether the name of the program's file, as it was started with, still means that file."""
    file = getattr(sys.modules["__main__"], "__file__", None)  # absolute
    if file is None or file in sys.orig_argv:
        return True
    given = [word for word in sys.orig_argv[1:] if file.endswith(os.sep + word)]
    return all(os.path.exists(word) and os.path.samefile(word, file) for word in given)
