"""A process group is left only when its threads have let go of what belongs to Python."""

from __future__ import annotations

import sys
import time
from types import ModuleType
from typing import Any

import pytest

from samebits.control import process_groups


@pytest.mark.parametrize(("initialized", "moments"), [(True, 1), (False, 0)])
def test_the_lock_is_given_up_before_a_group_ends(
    monkeypatch: pytest.MonkeyPatch, initialized: bool, moments: int
) -> None:
    left: list[Any] = []
    waited: list[float] = []

    def destroy_process_group(group: object = None) -> None:
        left.append(group)

    fake = ModuleType("torch.distributed")
    fake.is_initialized = lambda: initialized  # type: ignore[attr-defined]
    fake.destroy_process_group = destroy_process_group  # type: ignore[attr-defined]
    inner = ModuleType("torch.distributed.distributed_c10d")
    inner.destroy_process_group = destroy_process_group  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.distributed", fake)
    monkeypatch.setitem(sys.modules, "torch.distributed.distributed_c10d", inner)
    monkeypatch.setattr(time, "sleep", waited.append)
    uninstall = process_groups.install()
    try:
        fake.destroy_process_group("group")
        assert (left, len(waited)) == (["group"], moments)
    finally:
        uninstall()
    assert fake.destroy_process_group is destroy_process_group
    assert inner.destroy_process_group is destroy_process_group
