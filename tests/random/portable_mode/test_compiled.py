"""torch.compile inside the portable mode: the masks and numbers of eager code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo import convert_frame
from torch._functorch import config as functorch
from torch._inductor import config, decomposition, lowering
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from samebits._runtime.native import compiler
from samebits.errors import DeterminismError
from samebits.random.portable_mode.compiled import check_recomputed
from samebits.random.portable_mode.mode import portable
from samebits.random.portable_mode.scopes import scope

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit"),
    pytest.mark.skipif(compiler("CXX", ("c++", "g++", "clang++")) is None, reason="needs a C++ compiler"),
    pytest.mark.skipif(" " in sys.prefix, reason="torch's own compiler breaks where its path has a space"),
]


@pytest.fixture(autouse=True, scope="module")
def _compiler() -> None:
    """Inductor sets variables of the environment when it is first used."""
    torch.compile(lambda x: x + 1)(torch.ones(3))


@pytest.fixture(autouse=True)
def _restored(generators_restored: None) -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def drawn(x: Tensor) -> list[Tensor]:
    return [
        F.dropout(x + 1, 0.5),
        torch.rand_like(x),
        torch.randn(3),
        torch.randint(0, 7, (30,)),
        torch.empty(4).uniform_(2, 3),
        torch.bernoulli(torch.full((50,), 0.5)),
        torch.empty(4).exponential_(),
        torch.normal(0.0, torch.ones(3)),
        torch.randperm(50),
        F.alpha_dropout(x, 0.3),
        F.rrelu(x - 1, training=True),
        F.dropout2d(x[None, None] + 1, 0.5),
        torch.multinomial(torch.ones(9), 3),
        torch.poisson(x.abs()),
        torch.empty(30).bernoulli_(0.5),
        torch.rand(2),
    ]


def test_the_numbers_of_eager_code() -> None:
    x = torch.linspace(-1, 1, 32).view(4, 8)
    compiled = torch.compile(drawn)
    with portable(3):
        eager = drawn(x)
    with portable(3):
        assert list(map(torch.equal, eager, compiled(x))) == [True] * len(eager)


def test_where_ci_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """There inductor refuses to call an operation for which it has a decomposition."""
    monkeypatch.setenv("CI", "true")
    for operation in (torch.ops.aten.bernoulli.default, torch.ops.aten.native_dropout_backward.default):
        monkeypatch.delitem(lowering.lowerings, operation, raising=False)  # as if neither had been called
    allowed = set(lowering.FALLBACK_ALLOW_LIST)
    with config.patch(fx_graph_cache=False), functorch.patch(enable_autograd_cache=False):
        test_the_numbers_of_eager_code()
        test_a_network()
    assert set(lowering.FALLBACK_ALLOW_LIST) == allowed


def test_a_network() -> None:
    """Forward and backward."""
    layers = nn.Sequential(nn.Dropout(0.5), nn.ReLU(), nn.Dropout(0.3), nn.Dropout(0.1))
    compiled = torch.compile(layers)

    def step(run: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        x = torch.linspace(0.5, 1, 200).requires_grad_()
        with portable(3):
            y = run(x)
            y.sum().backward()
        assert x.grad is not None
        return y.detach(), x.grad

    (y, gradient), (other, its) = step(layers), step(compiled)
    assert torch.equal(y, other)
    assert torch.equal(gradient != 0, its != 0)  # the masks
    torch.testing.assert_close(gradient, its, rtol=1e-6, atol=0)  # inductor may reassociate products


def test_scopes_around_compiled_code() -> None:
    compiled = torch.compile(lambda x: F.dropout(x, 0.5))
    with portable(0), scope("a"):
        eager = F.dropout(torch.ones(50), 0.5)
    with portable(0):
        torch.rand(3)
        with scope("a"):
            assert torch.equal(compiled(torch.ones(50)), eager)


def test_checkpoints() -> None:
    def block(x: Tensor) -> Tensor:
        return F.dropout(x * 2, 0.5).sin()

    def whole(x: Tensor) -> Tensor:
        result: Tensor = checkpoint(block, x, use_reentrant=False)
        return result

    def gradient(run: Callable[[Tensor], Tensor]) -> Tensor:
        x = torch.linspace(0.5, 1, 50).requires_grad_()
        with portable(0):
            run(x).sum().backward()
        assert x.grad is not None
        return x.grad

    torch.testing.assert_close(
        gradient(torch.compile(whole, backend="aot_eager")), gradient(block), rtol=1e-6, atol=0
    )


class Node:
    """A node of a graph."""

    def __init__(self, target: object, device: str, recomputed: bool) -> None:
        self.target, self.recomputed = target, recomputed
        value = torch.empty(3, device="meta") if device == "meta" else torch.empty(3)
        self.meta = {"val": (value, None)}


@pytest.mark.parametrize("recomputed", [False, True])
@pytest.mark.parametrize("device", ["cpu", "meta"])  # which stands for a GPU
@pytest.mark.parametrize("operation", [torch.ops.aten.native_dropout.default, torch.ops.aten.sin.default])
def test_a_compiled_checkpoint_on_a_gpu_is_refused(operation: object, device: str, recomputed: bool) -> None:
    def check() -> None:
        check_recomputed([Node(operation, device, recomputed)], lambda node: node.recomputed)

    if recomputed and device == "meta" and operation is torch.ops.aten.native_dropout.default:
        with pytest.raises(DeterminismError, match=r"native_dropout.* is drawn again in the backward"):
            check()
    else:
        check()


class TestCodeFromElsewhere:
    """Code that was compiled outside draws otherwise."""

    def test_is_compiled_anew(self) -> None:
        compiled = torch.compile(lambda x: F.dropout(x, 0.5), backend="aot_eager_decomp_partition")
        x = torch.ones(50)
        with portable(1):
            expected = F.dropout(x, 0.5)
        compiled(x)
        with portable(1):
            assert torch.equal(compiled(x), expected)
        torch._dynamo.reset()
        compiled(x)
        with portable(1):
            assert torch.equal(compiled(x), expected)

    def test_code_from_inside_is_kept(self) -> None:
        compiled = torch.compile(lambda x: F.dropout(x, 0.5), backend="eager")
        with portable(1):
            compiled(torch.ones(5))
        frames = convert_frame.FRAME_COUNTER
        assert frames
        with portable(1):
            compiled(torch.ones(5))
        assert frames == convert_frame.FRAME_COUNTER


class TestWhatWouldNotAskTheDispatcher:
    def test_when_the_mode_begins(self) -> None:
        with (
            config.patch(cpp_wrapper=True),
            pytest.raises(DeterminismError, match=r"cpp_wrapper calls torch's kernels.*random\.portable"),
        ):
            portable(0)

    def test_when_it_is_compiled(self) -> None:
        compiled = torch.compile(lambda x: F.dropout(x, 0.5))
        with (
            portable(0),
            config.patch(cpp_wrapper=True),
            pytest.raises(Exception, match="cpp_wrapper calls torch's kernels"),
        ):
            compiled(torch.ones(50))
        assert compiled(torch.ones(50)).shape == (50,)


def test_everything_is_as_before() -> None:
    before = config.save_config_portable(), dict(decomposition.decompositions)
    with portable(0):
        inside = config.save_config_portable(), dict(decomposition.decompositions)
        assert config.fallback_random
    assert (config.save_config_portable(), dict(decomposition.decompositions)) == before
    # Inductor keeps compiled code by these: a program that sets `fallback_random` itself must not find ours.
    changed = {name for name, value in inside[0].items() if before[0][name] != value}
    assert changed == {"fallback_random", "aot_inductor.metadata"}
    assert inside[1] != before[1]
