"""Runs the pieces: twice on one thread, and what is exact on two as well.

Everything that the process has set is put back, however it ends: flags, threads, precision, autocast.
torch's generators are not drawn from.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import torch
from torch import Tensor

from samebits.errors import UsageError
from samebits.selftest import outcome
from samebits.selftest.kind import kind
from samebits.selftest.known import KnownBits, known
from samebits.selftest.outcome import Runs, SelfTest
from samebits.selftest.pieces import EXACT, MACHINE, Piece, training

_DIGITS: Final = 16  # of SHA-256, in hexadecimal
_ATTENTION: Final = ("flash", "mem_efficient", "math", "cudnn")
_INDUCTOR: Final = ("TORCHINDUCTOR_", "TRITON_")


def selftest(device: str = "cpu", *, table: KnownBits | None = None) -> SelfTest:
    """Compute a fixed training step twice, piece by piece, and lay its bits beside those of known machines.

    Integers, samebits' random numbers and float operations that are rounded exactly must be equal on every
    machine; sums and functions of floats on every machine of this kind.

    Args:
        device: "cpu", "cuda" or "cuda:1".
        table: the known machines; the package's.

    Raises:
        UsageError: a device that is not there.
    """
    where = _device(device)
    with _same_environment():
        with _settled(1):
            exact, floats = _hashed(EXACT, where), _floats(where)
            again = _hashed(EXACT, where) | _floats(where)
            found = kind(where)
        with _settled(2):
            threads = _hashed(EXACT, where)
    return outcome.judged(found, Runs(exact, floats, again, threads), table or known())


def _device(text: str) -> torch.device:
    try:
        where = torch.device(text)
    except RuntimeError:
        where = None
    if where is None or where.type not in ("cpu", "cuda"):
        raise UsageError(f"the self-test runs on the CPU and on CUDA, not on {text!r}.")
    if where.type == "cuda" and not torch.cuda.is_available():
        raise UsageError("no CUDA device is there; run the self-test without a device.")
    return where


@contextmanager
def _settled(threads: int) -> Iterator[None]:
    """Switches as the table was made with; torch's own kernels, for they are what is tested."""
    from samebits.determinism import deterministic  # it loads inductor, which writes into the environment

    scope = deterministic(replace="none", full_precision=True, threads=threads)
    with scope, _attention(), warnings.catch_warnings(), torch.enable_grad(), torch.inference_mode(False):
        warnings.simplefilter("ignore")
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False), torch.device("cpu"):
            yield


@contextmanager
def _attention() -> Iterator[None]:
    """All backends of attention, as torch begins with; torch chooses among them."""
    backends = torch.backends.cuda
    before = {name: getattr(backends, f"{name}_sdp_enabled")() for name in _ATTENTION}
    try:
        for name in before:
            getattr(backends, f"enable_{name}_sdp")(True)
        yield
    finally:
        for name, enabled in before.items():
            getattr(backends, f"enable_{name}_sdp")(enabled)


@contextmanager
def _same_environment() -> Iterator[None]:
    """Inductor, which the mode loads, writes where its cache is into the environment of every child."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith(_INDUCTOR) and name not in before]:
            del os.environ[name]


def _hashed(pieces: Iterable[Piece], device: torch.device) -> dict[str, str]:
    return {piece.name: digest(piece.run(device)) for piece in pieces}


def _floats(device: torch.device) -> dict[str, str]:
    steps = {name: digest(value) for name, value in training(device)}
    return _hashed(MACHINE, device) | steps


def digest(result: Tensor | tuple[Tensor, ...]) -> str:
    """A hash over dtype, shape and every bit, in this order."""
    state = hashlib.sha256()
    for tensor in result if isinstance(result, tuple) else (result,):
        plain = tensor.detach().cpu().contiguous()
        state.update(f"{plain.dtype}{tuple(plain.shape)}".encode())
        state.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
    return state.hexdigest()[:_DIGITS]
