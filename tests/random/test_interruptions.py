"""The portable mode where others come between: backwards elsewhere, failing threads, signals."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributed._composable.checkpoint_activation import checkpoint as composable
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from samebits.random import get_state, portable, scope
from samebits.random.portable_mode.compiled import Compiled


@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize(("forward", "backward"), [("", "b"), ("a", ""), ("a", "b")])
def test_a_block_is_computed_again_in_its_own_scope(reentrant: bool, forward: str, backward: str) -> None:
    def inside(path: str) -> Any:
        return scope(path) if path else contextlib.nullcontext()

    x = torch.ones(64, requires_grad=True)
    with portable(0):
        with inside(forward):
            y = checkpoint(lambda v: F.dropout(v, 0.5).square(), x, use_reentrant=reentrant)
        with inside(backward):
            y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad != 0, y != 0)


@pytest.mark.parametrize(("forward", "backward"), [("a", ""), ("a", "b")])
def test_a_composable_checkpoint_too(forward: str, backward: str) -> None:
    class Block(torch.nn.Module):
        def forward(self, v: Tensor) -> Tensor:
            return F.dropout(v, 0.5).square()

    block: Any = composable(Block())
    x = torch.ones(64, requires_grad=True)
    with portable(0):
        with scope(forward):
            y = block(x)
        with scope(backward) if backward else contextlib.nullcontext():
            y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad != 0, y != 0)


def test_a_mode_does_not_depend_on_the_scope_that_it_begins_in() -> None:
    inside = portable(0)(lambda: torch.rand(3))
    alone = inside()
    with portable(1), scope("a"):
        assert torch.equal(inside(), alone)
        first = torch.rand(3)
    with portable(1), scope("a"):
        assert torch.equal(torch.rand(3), first)


def test_a_scope_is_no_decorator_of_a_generator() -> None:
    def generator() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match="whose body runs after the call"):
        scope("a")(generator)


def test_failing_draws_in_other_threads_repeat_no_number() -> None:
    drawn: list[tuple[float, ...]] = []

    def draws() -> None:
        drawn.extend(tuple(torch.rand(4).tolist()) for _ in range(300))

    def fails() -> None:
        for _ in range(300):
            with pytest.raises(ValueError):
                torch._standard_gamma(torch.tensor([-1.0]))

    with portable(0):
        threads = [threading.Thread(target=work) for work in (draws, fails, draws, fails)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(drawn)) == 600


def test_a_signals_handler_may_ask_and_draw() -> None:
    asked: list[Tensor] = []

    def handler(*_: Any) -> None:
        asked.append(get_state())
        torch.rand(2)

    before = signal.signal(signal.SIGALRM, handler)
    try:
        with portable(0):
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
            drawn = [tuple(torch.rand(4).tolist()) for _ in range(5000)]
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert asked
    assert len(set(drawn)) == 5000


@pytest.mark.filterwarnings("ignore:mean is more than 2 std")
def test_what_torch_answers_is_answered() -> None:
    with portable(0):
        assert torch.multinomial(torch.tensor([0.0, 1.0, 0.0]), 3).tolist() == [1, 0, 2]
        assert torch.nn.init.trunc_normal_(torch.empty(2), a=1.0, b=1.0).tolist() == [1.0, 1.0]
        far = torch.nn.init.trunc_normal_(torch.empty(9), mean=100.0)
        assert bool((far.abs() <= 2).all())


def test_code_compiled_before_the_first_mode_is_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.compile(lambda x: x + 1, backend="eager")(torch.ones(2))
    resets = []
    monkeypatch.setattr(torch._dynamo, "reset", lambda: resets.append(True))
    compiled = Compiled()
    compiled.install()
    compiled.uninstall()
    assert resets
