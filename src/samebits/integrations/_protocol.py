"""What every integration offers, and how it asks for its framework."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Checkpointed(Protocol):
    """What a framework saves with its own checkpoint, and loads from it.

    Made with what holds generators (`RngState(model=model, loader=loader)`), as `samebits.capture_rng` takes
    it, so that the names in a checkpoint do not depend on where the framework calls from.
    """

    def state_dict(self) -> dict[str, Any]:
        """The random state of this process, or of every rank: plain data."""

    def load_state_dict(self, state_dict: Mapping[str, Any], /) -> None:
        """Continue from it, wholly or not at all."""


def required(integration: str, modules: tuple[str, ...], package: str) -> ModuleType:
    """The framework's module: of several names the one that the program has loaded, else the first installed.

    Raises:
        ModuleNotFoundError: none is installed; the text is the command that installs it.
    """
    loaded = [name for name in modules if sys.modules.get(name) is not None]
    for name in (*loaded, *modules):
        if _is_there(name):
            return import_module(name)
    raise ModuleNotFoundError(
        f"samebits.integrations.{integration} needs {package}, which is not installed: pip install {package}",
        name=modules[0],
    )


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (
        ModuleNotFoundError,
        ValueError,
    ):  # its parent is not there; or `sys.modules` says that it is none
        return False
