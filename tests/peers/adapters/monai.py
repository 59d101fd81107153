"""MONAI's names: a switch for all of determinism, off with None, that remembers its seed."""

from __future__ import annotations

import sys
import unittest
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

import torch

import samebits
from samebits.compat import seed_everything

_OFF: Final = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
_seed: int | None = None


def set_determinism(seed: int | None = 2**32 - 1, use_deterministic_algorithms: bool | None = None) -> None:
    global _seed
    # Flags that torch.backends.disable_global_flags() has frozen are set all the same: their test asks so.
    with getattr(torch.backends, "__allow_nonbracketed_mutation")():
        if seed is None:
            samebits.seed_everything(None)
            torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = _OFF
        else:
            seed_everything(seed)  # the guides': it sets cuDNN's flags, too
        if use_deterministic_algorithms:
            samebits.deterministic(replace="none")
        elif use_deterministic_algorithms is not None:
            torch.use_deterministic_algorithms(False)
    _seed = seed


def get_seed() -> int | None:
    return _seed


def _skip_if_before(version: tuple[int, ...]) -> Callable[[Any], Any]:
    return lambda test: test  # all of them are before what samebits needs


def modules() -> dict[str, ModuleType]:
    helpers = ModuleType("tests.test_utils")
    helpers.SkipIfBeforePyTorchVersion = _skip_if_before
    helpers.skip_if_no_cuda = unittest.skipUnless(torch.cuda.is_available(), "needs CUDA")
    return {"monai.utils": sys.modules[__name__], "tests.test_utils": helpers}
