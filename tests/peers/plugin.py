"""Runs a peer's test files with samebits behind the peer's names, and watches that samebits really runs.

Functions of samebits that anything outside samebits calls are noted during each of their tests, and a test
that passes without one fails: it would have shown something of the adapter, or nothing.  Tests on the list of
those left out are deselected.  After each test the process is put back: variables, generators, torch's flags
(their own conftest files, some of which do so, are not loaded).
"""

from __future__ import annotations

import os
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import samebits

_OURS = str(Path(samebits.__file__).parent) + os.sep
_LAZY = _OURS + "_runtime/lazy.py"
_NOT_OURS = "passed without running samebits: it belongs on the list of those left out"


@dataclass
class Outcome:
    """What became of one file of theirs."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # of run.py's COUNTS
    skips: dict[str, str] = field(default_factory=dict)  # test -> why the peer's own test skips itself
    ran: set[str] = field(
        default_factory=set
    )  # functions and classes of samebits that tests which passed used


def install(modules: Mapping[str, ModuleType]) -> None:
    """Put stand-ins, and packages above them, under a peer's module names before its tests are imported."""
    for name, module in modules.items():
        sys.modules[name] = module
        while "." in name:
            parent, _, last = name.rpartition(".")
            package = sys.modules.setdefault(parent, ModuleType(parent))
            package.__dict__.setdefault("__path__", [])
            setattr(package, last, sys.modules[name])
            name = parent


@cache
def _is_ours(code: CodeType) -> bool:
    return code.co_filename.startswith(_OURS)


def _imports(frame: FrameType | None) -> bool:
    """Whether this happens only because something of samebits is imported."""
    while frame is not None:
        code = frame.f_code
        is_name_asked = code.co_qualname == "__getattr__" or code.co_filename == _LAZY  # of a package
        if _is_ours(code) and (code.co_name == "<module>" or is_name_asked):
            return True
        frame = frame.f_back
    return False


class Watch:
    """The pytest plugin.

    Args:
        left_out: test (``file::name``, without parameters for all of them) -> reason.
    """

    def __init__(self, left_out: Mapping[str, str]) -> None:
        self.left_out = left_out
        self.not_found = set(left_out)
        self.outcomes: dict[str, Outcome] = {}
        self._ran: set[str] = set()

    def of(self, nodeid: str) -> Outcome:
        return self.outcomes.setdefault(nodeid.partition("::")[0], Outcome())

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        kept, left = [], []
        for item in items:
            names = {item.nodeid, item.nodeid.partition("[")[0]} & set(self.left_out)
            self.not_found -= names
            (left if names else kept).append(item)
            self.of(item.nodeid).counts["left out"] += bool(names)
        items[:] = kept
        config.hook.pytest_deselected(items=left)

    @pytest.fixture(autouse=True)
    def _put_back(self) -> Iterator[None]:
        variables = dict(os.environ)
        states = random.getstate(), np.random.get_state(), torch.get_rng_state()
        cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
        mode = torch.get_deterministic_debug_mode()
        yield
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        with getattr(
            torch.backends, "__allow_nonbracketed_mutation"
        )():  # a class would mangle the plain name
            torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn
        torch.set_deterministic_debug_mode(mode)
        for name in os.environ.keys() - variables.keys() - {"PYTEST_CURRENT_TEST"}:
            del os.environ[name]
        os.environ.update(variables)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Any:
        self._ran.clear()
        sys.setprofile(self._note)
        try:
            return (yield)
        finally:
            sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, argument: object) -> None:
        if event != "call" or not _is_ours(frame.f_code):
            return
        caller = frame.f_back
        if (caller is None or not _is_ours(caller.f_code)) and not _imports(frame):
            room = frame.f_globals["__name__"].split(".")[1]
            self._ran.add(f"{room}.{frame.f_code.co_qualname.partition('.')[0]}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        report = yield
        outcome = self.of(item.nodeid)
        if report.skipped:
            outcome.counts["skipped"] += 1
            outcome.skips[item.nodeid] = str(call.excinfo.value) if call.excinfo else ""
        elif report.when == "call" and report.passed and not self._ran:
            report.outcome, report.longrepr = "failed", _NOT_OURS
            outcome.counts["failed"] += 1
        elif report.when == "call" and report.passed:
            outcome.counts["passed"] += 1
            outcome.ran |= {name for name in self._ran if "._" not in name}
        elif report.failed:
            outcome.counts["failed"] += 1
        return report
