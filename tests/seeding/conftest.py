"""A stand-in for an accelerator, which most machines that run the tests have not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch


class FakeModule:
    """The part of `torch.cuda` that is used, over CPU generators; it proves nothing about a real device."""

    def __init__(self, devices: int) -> None:
        self.devices = devices
        self.ready = False
        self.default_generators: tuple[torch.Generator, ...] = ()

    def init(self) -> None:
        self.ready = True
        self.default_generators = tuple(torch.Generator().manual_seed(40 + i) for i in range(self.devices))

    def is_initialized(self) -> bool:
        return self.ready

    def is_available(self) -> bool:
        return self.devices > 0

    def device_count(self) -> int:
        return self.devices

    def get_rng_state(self, device: int) -> torch.Tensor:
        assert self.ready, "this would initialise the device"
        return self.default_generators[device].get_state()

    def set_rng_state(self, state: torch.Tensor, device: int) -> None:
        assert self.ready, "this would initialise the device"
        self.default_generators[device].set_state(state)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeModule:
    module = FakeModule(2)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: SimpleNamespace(type="fake"))
    monkeypatch.setattr(torch, "get_device_module", lambda device: module)
    return module
