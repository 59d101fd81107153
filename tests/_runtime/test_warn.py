"""A warning is that of the user's line, however deep inside it is given."""

from __future__ import annotations

import subprocess
import sys
import warnings
from types import ModuleType
from typing import Any

import pytest
import torch

from samebits._runtime.warn import warn


def module(name: str, text: str) -> ModuleType:
    made = ModuleType(name)
    exec(compile(text, f"{name}.py", "exec"), vars(made))
    return made


@pytest.mark.parametrize("inside", ["samebits.deep.inside", "torch.deep", "contextlib"])
def test_frames_of_ours_and_of_torch_are_passed_over(inside: str) -> None:
    deep = module(inside, "def call(function): return function()\ndef twice(function): return call(function)")
    with pytest.warns(UserWarning, match="here") as seen:
        deep.twice(lambda: deep.call(_warns))
    assert (seen[0].filename, seen[0].lineno) == (__file__, _warns.__code__.co_firstlineno + 1)


def _warns() -> None:
    warn("here", UserWarning)


def test_frames_of_others_are_not() -> None:
    other = module("samebitsy", "def call(function): return function('here', UserWarning)")
    with pytest.warns(UserWarning, match="here") as seen:
        other.call(warn)
    assert seen[0].filename == "samebitsy.py"


def test_where_all_frames_are_ours() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        program = "import warnings; from samebits._runtime.warn import warn; warn('here', UserWarning)"
        done = subprocess.run(
            [sys.executable, "-c", f"__name__ = 'samebits.x'\n{program}"], capture_output=True, text=True
        )
    assert not seen
    assert "UserWarning: here" in done.stderr


def test_a_switch_that_is_dropped(restored_mode: Any) -> None:
    from samebits.determinism.locks import PinWarning

    with restored_mode, pytest.warns(PinWarning) as seen:
        torch.backends.cudnn.benchmark = True
    assert seen[0].filename == __file__
    with restored_mode, pytest.warns(PinWarning) as seen:
        torch.use_deterministic_algorithms(False)
    assert seen[0].filename == __file__


@pytest.fixture
def restored_mode() -> Any:
    import samebits

    mode = samebits.deterministic(pinned=True)
    yield mode
    mode.restore()
