"""What every test is held to: it leaves the process as it found it.

A test that moves a generator, sets a flag, changes the thread count, a variable
or the folder makes the next one pass or fail for a reason nobody can see, so it
fails itself.  torch and numpy are looked at only where something imported them:
most of this package must work without.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rich.console  # noqa: F401  # importing it draws from `random`: once, before the first test
from hypothesis import HealthCheck, settings

# A shell that starts the tests in the background has them ignore it, and so would the programs they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)

#: Where nobody keeps bytecode, each of the hundreds of programs that the tests start would compile us anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

#: Inductor's compiling threads outlive the test that started them: it compiles in the test's own thread.
os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile(
    "search", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


#: Set by pytest itself around each test, or by libraries while they are imported.
_NOT_OURS = {"PYTEST_CURRENT_TEST", "KMP_INIT_AT_FORK", "KMP_DUPLICATE_LIB_OK", "TORCHINDUCTOR_CACHE_DIR"}


def _variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _NOT_OURS}


def _python_generator() -> Any:
    return random.getstate()


def _threads() -> set[str]:
    # Libraries' threads are daemons and end when they like; a test's own must have ended.
    return {thread.name for thread in threading.enumerate() if not thread.daemon}


_ALWAYS: dict[str, Callable[[], Any]] = {
    "environment variables": _variables,
    "the working directory": os.getcwd,
    "Python's random state": _python_generator,
    "sys.path": lambda: list(sys.path),
    "whether draws are observed": lambda: getattr(
        sys.modules.get("samebits.random.custom_ops"), "_observed", False
    ),
}


def _numpy_generator() -> Any:
    import numpy

    state = numpy.random.get_state(legacy=False)
    return repr({**state, "state": {name: str(value) for name, value in state["state"].items()}}), bytes(
        state["state"].get("key", b"")
    )


def _torch_generator() -> Any:
    import torch

    return bytes(torch.get_rng_state().numpy())


def _torch_flags() -> Any:
    import torch

    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.benchmark,
        torch.backends.cudnn.deterministic,
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
    )


def _torch_threads() -> Any:
    import torch

    return torch.get_num_threads()


_WITH: dict[str, dict[str, Callable[[], Any]]] = {
    "numpy": {"numpy's random state": _numpy_generator},
    "torch": {
        "torch's random state": _torch_generator,
        "torch's flags": _torch_flags,
        "torch's thread count": _torch_threads,
    },
}


def _look() -> dict[str, Any]:
    seen = {what: ask() for what, ask in _ALWAYS.items()}
    for library, asks in _WITH.items():
        module = sys.modules.get(library)
        if module is not None and hasattr(module, "__version__"):  # not half imported, not blocked
            seen |= {what: ask() for what, ask in asks.items()}
    return seen


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: one more than there are cores, for many tests wait for signals and time limits."""
    ours = getattr(os, "sched_getaffinity", None)  # Linux; a container may have fewer than the machine
    return (len(ours(0)) if ours else os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def leaves_nothing_behind() -> Iterator[None]:
    """Fail a test that leaves global state changed."""
    before, threads = _look(), _threads()
    yield
    after = _look()
    changed = [what for what, value in before.items() if what in after and after[what] != value]
    assert not changed, f"the test left these changed: {', '.join(changed)}"
    assert not _threads() - threads, "the test left threads running"


@pytest.fixture
def generators_restored() -> Iterator[None]:
    """For tests whose business is to seed or draw from the global generators: puts their states back."""
    import numpy
    import torch

    python, legacy, cpu = random.getstate(), numpy.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(python)
        numpy.random.set_state(legacy)
        torch.set_rng_state(cpu)
