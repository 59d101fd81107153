"""The self-test finds a bit that is flipped on purpose, names the operation, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from samebits._runtime.kernels import Override
from samebits.errors import UsageError
from samebits.selftest import selftest
from samebits.selftest.known import KnownBits, KnownMachine, known
from samebits.selftest.outcome import SelfTest


@pytest.fixture(scope="module")
def table() -> KnownBits:
    """A table in which this machine is known."""
    here = selftest()
    assert here.word != "corrupt", here.headline
    return KnownBits(known().exact, (KnownMachine(here.kind, here.runs.floats),))


def flipped(result: Tensor) -> Tensor:
    """The tensor with the lowest bit of its last element changed."""
    changed = result.clone()
    kinds = {2: torch.int16, 4: torch.int32, 8: torch.int64}
    changed.data.view(-1).view(kinds[result.element_size()])[-1:].bitwise_xor_(1)
    return changed


def broken(original: Callable[..., Tensor], when: Callable[[], bool]) -> Callable[..., Tensor]:
    def call(*args: Any, **options: Any) -> Tensor:
        result = original(*args, **options)
        return flipped(result) if when() else result

    return call


def found(result: SelfTest) -> set[tuple[str, str]]:
    return {(one.name, one.where) for one in result.wrong}


def test_a_known_machine_is_equal(table: KnownBits) -> None:
    result = selftest(table=table)
    assert (result.word, result.exit_status, result.wrong) == ("equal", 0, ())
    assert "all 47 pieces" in result.headline


def test_this_machine_is_not_corrupt() -> None:
    """With the table of the package, which may know it or not."""
    assert selftest().exit_status == 0


@pytest.mark.parametrize(
    ("owner", "name", "wrong"),
    [
        ("torch", "cumsum", {("integer cumsum", "everywhere"), ("cumsum", "kind")}),
        ("torch", "sqrt", {("float32 sqrt", "everywhere")}),
        ("torch", "exp", {("exp", "kind")}),
        ("torch", "bmm", {("bmm", "kind")}),
        ("torch.nn.functional", "gelu", {("gelu", "kind")}),
    ],
)
def test_a_flipped_bit_is_found_and_named(
    table: KnownBits, monkeypatch: pytest.MonkeyPatch, owner: str, name: str, wrong: set[tuple[str, str]]
) -> None:
    original = getattr(sys.modules[owner], name)
    monkeypatch.setattr(f"{owner}.{name}", broken(original, lambda: True))
    result = selftest(table=table)
    assert (result.word, result.exit_status) == ("corrupt", 1)
    assert found(result) == wrong
    assert name in result.headline


def test_a_bit_that_flips_in_a_training_step(table: KnownBits, monkeypatch: pytest.MonkeyPatch) -> None:
    original = torch.nn.functional.linear
    monkeypatch.setattr("torch.nn.functional.linear", broken(original, lambda: True))
    names = {name for name, _ in found(selftest(table=table))}
    assert "linear with backward" in names
    assert any(name.startswith("weight ") for name in names)
    assert not any(name.startswith(("integer", "samebits", "exp", "matmul")) for name in names)


def test_a_kernel_of_torch_that_is_replaced(table: KnownBits) -> None:
    """Below every public name: in the dispatcher."""
    override = Override("aten::bmm", "cpu", lambda native: lambda *words: flipped(native(*words)))
    try:
        result = selftest(table=table)
    finally:
        override.remove()
    assert "bmm" in {name for name, _ in found(result)}
    assert result.exit_status == 1
    assert selftest(table=table).exit_status == 0


def test_a_bit_that_flips_once(table: KnownBits, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the second run, on a machine whose kind nobody knows."""
    calls = []
    monkeypatch.setattr(torch, "exp", broken(torch.exp, lambda: calls.append(1) or len(calls) == 2))
    assert found(selftest(table=KnownBits(table.exact, ()))) == {("exp", "again")}


def test_a_bit_that_flips_on_two_threads(table: KnownBits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "sort", _sort(torch.sort))
    assert found(selftest(table=table)) == {("integer sort", "threads")}


def _sort(original: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        values, places = original(*args, **options)
        return values, flipped(places) if torch.get_num_threads() == 2 else places

    return call


def test_everything_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where an operation raises; the threads are another number than any of the self-test's."""

    def state() -> tuple[Any, ...]:
        return (
            torch.get_num_threads(),
            torch.are_deterministic_algorithms_enabled(),
            torch.backends.mkldnn.matmul.fp32_precision,
            torch.backends.cudnn.deterministic,
            os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
            torch.is_grad_enabled(),
            torch.is_autocast_enabled("cpu"),
            bytes(torch.get_rng_state().numpy()),
            torch.backends.cuda.flash_sdp_enabled(),
            str(torch.get_default_device()),
        )

    def raises(*_: Any) -> None:
        raise ZeroDivisionError

    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with torch.no_grad(), torch.autocast("cpu"):
            before = state()
            selftest()
            assert state() == before
            monkeypatch.setattr(torch, "exp", raises)
            with pytest.raises(ZeroDivisionError):
                selftest()
            assert state() == before
    finally:
        torch.set_num_threads(threads)


def test_backends_of_attention_and_the_default_device_are_put_back(table: KnownBits) -> None:
    torch.backends.cuda.enable_flash_sdp(False)
    try:
        with torch.device("meta"):
            assert selftest(table=table).word == "equal"
            assert str(torch.get_default_device()) == "meta"
        assert not torch.backends.cuda.flash_sdp_enabled()
    finally:
        torch.backends.cuda.enable_flash_sdp(True)


def test_sorted_values_count(table: KnownBits, monkeypatch: pytest.MonkeyPatch) -> None:
    original = torch.sort

    def sort(*args: Any, **options: Any) -> Any:
        values, places = original(*args, **options)
        return flipped(values), places

    monkeypatch.setattr(torch, "sort", sort)
    assert found(selftest(table=table)) == {("integer sort, values", "everywhere")}


def test_another_process_and_another_number_of_threads(table: KnownBits) -> None:
    program = (
        "import torch, os, json; before = dict(os.environ); from samebits.selftest import selftest; "
        "print(json.dumps(selftest().as_json())); assert os.environ == before"
    )
    variables = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "77"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | variables,
    )
    there = json.loads(done.stdout)
    assert there["exact"] == dict(table.exact)
    assert there["hashes"] == dict(table.machines[0].hashes)
    assert there["kind"] == dict(table.machines[0].kind)


@pytest.mark.parametrize("device", ["tpu", "cpu:x", "meta", "cuda"])
def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UsageError, match=r"not on|no CUDA device"):
        selftest(device)
