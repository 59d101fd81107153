"""The accelerator that torch has here, and whether it is initialised: seeding never does that by itself."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def current_accelerator() -> tuple[str, Any] | None:
    """Its kind and its module, ("cuda", torch.cuda) for one; None without any."""
    import torch

    device = torch.accelerator.current_accelerator()
    return None if device is None else (device.type, torch.get_device_module(device))


def is_initialized(module: ModuleType) -> bool:
    """False in a forked child, where the accelerator cannot be used."""
    ask = getattr(module, "is_initialized", None) or module.is_available  # mps has no such state
    return bool(ask())


def initialize_accelerator(kind: str) -> None:
    """Initialise the accelerator, if it is one of `kind` and is there: a state of it is to be restored."""
    found = current_accelerator()
    if found is not None and found[0] == kind and not is_initialized(found[1]):
        module: Any = found[1]
        if module.is_available() and hasattr(module, "init"):
            module.init()


def uninitialized_accelerator() -> str | None:
    """The kind of an accelerator that is there and not initialised, "cuda" for one."""
    found = current_accelerator()
    return None if found is None or is_initialized(found[1]) else found[0]
