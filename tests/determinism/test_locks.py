"""Switches that a program cannot move while they are pinned."""

from __future__ import annotations

import warnings

import pytest
import torch

from samebits.determinism.locks import PinWarning
from samebits.determinism.mode import deterministic


def test_what_the_program_assigns_is_dropped_and_said() -> None:
    with deterministic(pinned=True):
        with pytest.warns(PinWarning, match=r"cudnn.benchmark = True was dropped") as told:
            torch.backends.cudnn.benchmark = True
        with pytest.warns(PinWarning, match=r"cudnn.deterministic = False was dropped"):
            torch.backends.cudnn.deterministic = False
        torch.backends.cudnn.benchmark = False  # what it is anyway: nothing to say
        assert not torch.backends.cudnn.benchmark
        assert torch.backends.cudnn.deterministic
    assert told[0].filename == __file__


def test_afterwards_and_without_it_a_program_may() -> None:
    for pinned in (True, False):
        with deterministic(pinned=pinned):
            if not pinned:
                torch.backends.cudnn.benchmark = True
                assert torch.backends.cudnn.benchmark
        torch.backends.cudnn.benchmark = True
        assert torch.backends.cudnn.benchmark
        torch.backends.cudnn.benchmark = False


def test_flags_and_torchs_own_switch() -> None:
    with deterministic(pinned=True):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            with torch.backends.cudnn.flags(enabled=True, benchmark=True):
                assert not torch.backends.cudnn.benchmark
                assert torch.backends.cudnn.deterministic
        assert "cudnn.flags(benchmark=True) was dropped" in str(told[0].message)
        with pytest.warns(PinWarning, match=r"use_deterministic_algorithms\(False\) was dropped"):
            torch.use_deterministic_algorithms(False)
        assert torch.are_deterministic_algorithms_enabled()
        torch.use_deterministic_algorithms(True, warn_only=True)
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
