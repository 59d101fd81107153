"""The flag, while scopes set it and single calls overlay it."""

from __future__ import annotations

import os

import torch

from samebits.determinism import flag
from samebits.determinism.mode import deterministic


def test_a_scope_that_begins_during_a_call_and_ends_after_it() -> None:
    with deterministic():
        with flag.overlaid(False):
            assert not torch.are_deterministic_algorithms_enabled()
            inner = deterministic()
            assert not torch.are_deterministic_algorithms_enabled()
        assert torch.are_deterministic_algorithms_enabled()
        inner.restore()
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_scope_that_ends_during_a_call() -> None:
    scope = deterministic()
    with flag.overlaid(False):
        scope.restore()
    assert not torch.are_deterministic_algorithms_enabled()


def test_calls_that_overlap() -> None:
    with deterministic("warn"):
        first, second = flag.overlaid(False), flag.overlaid(True)
        first.__enter__()
        second.__enter__()
        assert flag.as_torch_has_it() == (True, False)
        first.__exit__(None, None, None)
        assert flag.as_torch_has_it() == (True, False)
        second.__exit__(None, None, None)
        assert flag.as_torch_has_it() == (True, True)


def test_a_child_forked_during_a_call_has_what_is_meant() -> None:
    with deterministic(), flag.overlaid(False):
        child = os.fork()
        if child == 0:
            os._exit(0 if torch.are_deterministic_algorithms_enabled() and flag.read().enabled else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
