"""The mode: what it replaces, what it refuses, and that everything is as before afterwards."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from tests.arithmetic.bits import same_bits, threads
from torch import Tensor, nn
from torch.nn import functional as F

import samebits
from samebits.arithmetic import mode, table
from samebits.arithmetic.guard import UndefinedWarning, runs_on
from samebits.errors import DeterminismError, UsageError, UsageTypeError


@pytest.fixture(autouse=True)
def _generator() -> Iterator[None]:
    with torch.random.fork_rng():
        yield


def _kernels() -> dict[str, str]:
    """What the dispatcher has, of every operation that the mode replaces or refuses."""
    names = {schema for row in table.rows() for schema in (row.schema, *row.variants)}
    names |= {one.operation for one in table.listed() if one.kind is table.Kind.UNDEFINED}
    return {
        name: torch._C._dispatch_dump(name) for name in sorted(names) if torch._C._dispatch_has_kernel(name)
    }


def _switches() -> tuple[Any, ...]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
        torch.backends.mha.get_fastpath_enabled(),
        torch.backends.cudnn.enabled,
        torch.get_num_threads(),
        torch.default_generator.get_state().tolist(),
    )


def _step(seed: int = 0) -> Tensor:
    """The gradients of a small network."""
    with samebits.portable(seed):
        model = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.GELU(), nn.Flatten(), nn.Linear(288, 5)
        )
        loss = nn.functional.cross_entropy(model(torch.randn(4, 3, 8, 8)), torch.tensor([0, 1, 2, 3]))
        loss.backward()
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def test_a_step_is_the_same_on_any_number_of_threads() -> None:
    one = _step()
    for number in (2, 3):
        with threads(number):
            same_bits(_step(), one)
    assert not torch.equal(_step(1), one)


def test_everything_is_as_before_also_after_an_exception() -> None:
    kernels, switches = _kernels(), _switches()
    with samebits.portable(0):
        assert _switches() != switches
    assert _switches() == switches
    with pytest.raises(KeyError), samebits.portable(0):
        raise KeyError
    assert _switches() == switches
    assert _kernels() == kernels


def test_every_row_is_replaced_and_comes_back() -> None:
    before = _kernels()
    entered = samebits.portable(0)
    try:
        inside = _kernels()
    finally:
        entered.restore()
    same = [
        schema
        for row in table.rows()
        for schema in (row.schema, *row.variants)
        if runs_on(schema, "cpu") and inside[schema] == before[schema]
    ]
    assert not same
    assert _kernels() == before


def test_what_is_undefined_is_refused_before_it_is_computed() -> None:
    x = torch.randn(3, 3)
    with samebits.portable(0):
        with pytest.raises(
            DeterminismError, match=r"aten\._linalg_svd has no portable result \(.*test_mode\.py:\d+\)"
        ):
            torch.linalg.svd(x)
        with pytest.raises(DeterminismError, match="undefined='warn'"):
            torch.fft.fft(x)
        with pytest.raises(DeterminismError, match="no portable result"):
            torch.mm(x.to(torch.complex64), x.to(torch.complex64))
    torch.linalg.svd(x)


def test_what_is_undefined_may_pass_and_is_counted() -> None:
    x = torch.randn(3, 3)
    with samebits.portable(0, undefined="warn"):
        with pytest.warns(UndefinedWarning, match=r"_linalg_svd has no portable result"):
            torch.linalg.svd(x)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            torch.linalg.svd(x)
        assert mode.counts() == {"aten::_linalg_svd": 2}
    with samebits.portable(0), pytest.raises(DeterminismError):
        torch.linalg.svd(x)


def test_whole_numbers_are_never_refused() -> None:
    x = torch.arange(6).reshape(2, 3)
    with samebits.portable(0):
        assert torch.equal(x @ x.T, torch.tensor([[5, 14], [14, 50]]))
        assert torch.bincount(x.flatten()).sum() == 6


def test_modes_inside_modes() -> None:
    x = torch.randn(3, 3)
    with samebits.portable(0), samebits.portable(1, undefined="warn"):
        with pytest.warns(UndefinedWarning):
            torch.linalg.svd(x)
        inner = samebits.portable(2)
        inner.restore()
        with pytest.warns(UndefinedWarning):
            torch.fft.fft(x)
    outer = samebits.portable(0)
    later = samebits.portable(0)
    outer.restore()
    with pytest.raises(DeterminismError):
        torch.linalg.svd(x)
    later.restore()
    torch.linalg.svd(x)


def test_a_deterministic_scope_around_it_or_inside_takes_nothing_away() -> None:
    """Nor is what the scope around it excepts excepted here."""
    x, places = torch.randn(5000), torch.randint(7, (5000,))
    with samebits.portable(0):
        expected = torch.bincount(places, x)
        with samebits.deterministic(replace="none"):
            same_bits(torch.bincount(places, x), expected)
    with samebits.deterministic(except_=["bincount"]), samebits.portable(0):
        same_bits(torch.bincount(places, x), expected)


def test_other_threads_are_in_it() -> None:
    a = torch.randn(300, 300)
    found: list[Tensor] = []
    with samebits.portable(0):
        thread = threading.Thread(target=lambda: found.append(a @ a))
        thread.start()
        thread.join()
        same_bits(found[0], a @ a)


def test_decorates() -> None:
    @samebits.portable(3)
    def draw() -> Tensor:
        return torch.randn(2)

    same_bits(draw(), draw())
    assert not torch.are_deterministic_algorithms_enabled()


def test_arguments_that_cannot_be_meant() -> None:
    before = _switches()
    with pytest.raises(UsageTypeError):
        samebits.portable(print)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="neither 'raise' nor 'warn'"):
        samebits.portable(0, undefined="ignore")  # type: ignore[arg-type]
    with pytest.raises((UsageError, UsageTypeError)):
        samebits.portable(-1)
    with pytest.raises((UsageError, UsageTypeError)):
        samebits.portable("0")  # type: ignore[arg-type]
    assert _switches() == before


def test_random_numbers_are_those_of_samebits_random() -> None:
    with samebits.portable(7):
        here = torch.randn(10)
    with samebits.random.portable(7):
        same_bits(torch.randn(10), here)


def test_numbers_beside_tensors() -> None:
    """`x + 1` reaches a replaced operation with a number in the place of a tensor."""
    with samebits.portable(0):
        for x in (
            torch.randn(3),
            torch.randn(3).bfloat16(),
            torch.arange(3),
            torch.tensor(2.0),
            torch.tensor(2),
        ):
            for number in (1, 1.5, True):
                for result in (x + number, number + x, x.clone().add(number), torch.add(x, number, alpha=2)):
                    assert result.dtype is torch.result_type(x, number)
        count = torch.tensor(0)
        count.add_(1)
        assert count == 1


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_code_runs_as_it_is_written(backend: str) -> None:
    def f(x: Tensor) -> Tensor:
        return torch.softmax(x.exp() @ x.T, 1)

    compiled = torch.compile(f, backend=backend)
    x = torch.randn(5, 6)
    with samebits.portable(0):
        same_bits(compiled(x), f(x))


def test_operations_of_other_libraries_are_asked_for_their_parts_or_refused() -> None:
    """One that is written in Python calls torch's; a compiled one's arithmetic is nobody's to know."""

    @torch.library.custom_op("samebits_tests::twice_exp", mutates_args=())
    def twice_exp(x: Tensor) -> Tensor:
        return x.exp() * 2

    x = torch.randn(3)
    with samebits.portable(0):
        same_bits(twice_exp(x), x.exp() * 2)


def test_kernels_that_are_loaded_inside_the_mode_are_asked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "aten::special_bessel_j0"
    kernels = mode.kernels_of
    monkeypatch.setattr(mode, "kernels_of", lambda key: [one for one in kernels(key) if one != name])
    x = torch.ones(2)
    with samebits.portable(0):
        torch.special.bessel_j0(x)
        monkeypatch.setattr(mode, "kernels_of", kernels)
        with pytest.raises(OSError, match="nothing"):
            torch.ops.load_library("nothing.so")
        torch.special.bessel_j0(x)
        mode._installed._guard()
        with pytest.raises(DeterminismError, match="bessel_j0"):
            torch.special.bessel_j0(x)


def test_the_table_says_what_an_operation_is() -> None:
    kinds = {
        one.operation: one.kind
        for one in table.listed(["mm", "add_", "aten::_linalg_svd", "view", "bernoulli_"])
    }
    assert kinds["aten::mm"] is table.Kind.DEFINED
    assert kinds["aten::add_.Tensor"] is table.Kind.DEFINED
    assert kinds["aten::view"] is table.Kind.EXACT
    assert kinds["aten::bernoulli_.float"] is table.Kind.RANDOM
    assert kinds["aten::_linalg_svd"] is table.Kind.UNDEFINED


def test_every_row_is_an_operation_and_stands_once() -> None:
    schemas = [schema for row in table.rows() for schema in (row.schema, *row.variants)]
    assert len(schemas) == len(set(schemas))
    assert all(row.formula for row in table.rows())
    named = [
        schema for schema in schemas if not schema.startswith("torchvision::")
    ]  # there once it is imported
    missing = [schema for schema in named if not torch._C._dispatch_has_kernel(schema)]
    assert not missing


WRONG: dict[str, Callable[[], Tensor]] = {
    "channels": lambda: F.conv2d(torch.ones(2, 3, 9, 9), torch.ones(8, 5, 3, 3)),
    "bias": lambda: F.conv2d(torch.ones(1, 2, 5, 5), torch.ones(64, 2, 3, 3), torch.ones(1)),
    "padding": lambda: F.conv2d(torch.ones(1, 2, 5, 5), torch.ones(3, 2, 3, 3), padding=-1),
    "dilation": lambda: F.conv2d(torch.ones(1, 2, 5, 5), torch.ones(3, 2, 3, 3), dilation=0),
    "stride": lambda: F.conv2d(torch.ones(1, 2, 5, 5), torch.ones(3, 2, 3, 3), stride=0),
    "size": lambda: F.conv2d(torch.ones(1, 2, 2, 2), torch.ones(3, 2, 3, 3)),
    "groups": lambda: F.conv2d(torch.ones(1, 6, 5, 5), torch.ones(2, 2, 3, 3), groups=3),
    "type": lambda: F.conv2d(torch.ones(1, 2, 5, 5), torch.ones(3, 2, 3, 3).double()),
    "transposed": lambda: F.conv_transpose2d(torch.ones(1, 2, 5, 5), torch.ones(3, 2, 3, 3)),
    "output padding": lambda: F.conv_transpose1d(torch.ones(1, 2, 5), torch.ones(2, 2, 3), output_padding=2),
    "layer norm": lambda: F.layer_norm(torch.ones(3, 4), (4,), weight=torch.ones(2)),
    "layer norm's bias": lambda: F.layer_norm(torch.ones(3, 4), (4,), bias=torch.ones(3, 9)),
    "group norm": lambda: F.group_norm(torch.ones(2, 4, 3), 2, torch.ones(3)),
    "batch norm": lambda: F.batch_norm(torch.ones(2, 4, 3), torch.ones(3), torch.ones(4)),
    "matrices": lambda: torch.ones(2, 3) @ torch.ones(4, 5),
}


@pytest.mark.parametrize("what", WRONG)
def test_of_wrong_arguments_torch_says_what_is_wrong(what: str) -> None:
    """Nothing is read from outside memory, and the error is the one without the mode."""
    with pytest.raises(RuntimeError) as outside:
        WRONG[what]()
    with samebits.portable(0), pytest.raises(RuntimeError, match=f"^{re.escape(str(outside.value))}$"):
        WRONG[what]()


def test_of_complex_numbers_it_says_so() -> None:
    x = torch.ones(2, 2, dtype=torch.complex64)
    with samebits.portable(0), pytest.raises(DeterminismError, match="mm of complex numbers has no portable"):
        x @ x
