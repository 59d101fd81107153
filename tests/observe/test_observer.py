"""What the native observer sees: every operation in order, with its line, its module and its result.

A comment `# at: NAME` marks the line that an event must name.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from samebits.model.events import RANDOM, READS_UNINITIALIZED, UNINITIALIZED, VIEW, Event
from samebits.observe import observer
from samebits.usercode import texts

pytestmark = [
    pytest.mark.usefixtures("generators_restored"),
    pytest.mark.skipif(observer.compiler() is None, reason="needs a C++ compiler"),
]
_LINES = Path(__file__).read_text().splitlines()


def at(mark: str) -> int:
    (found,) = [n for n, text in enumerate(_LINES, 1) if text.rstrip().endswith(f"# at: {mark}")]
    return found


def line(event: Event) -> int:
    assert event.site is not None, event
    assert Path(event.site.file).name == "test_observer.py", event
    return event.site.line


def computed(events: list[Event]) -> list[str]:
    """Names of the operations that computed something."""
    return [e.name for e in events if e.kind == "op" and not e.flags & (VIEW | UNINITIALIZED)]


# -- order and places --------------------------------------------------------------------------------


def test_operations_come_in_the_order_they_ran(observe: Any) -> None:
    with observe() as seen:
        x = torch.ones(3)
        y = x.exp()
        (y * x).sum().item()
    assert computed(seen.events) == ["aten::fill_", "aten::exp", "aten::mul", "aten::sum"]
    assert seen.events[-1].kind == "read"
    assert [e.index for e in seen.events] == list(range(len(seen.events)))


def test_an_operation_made_of_others_is_the_others(observe: Any) -> None:
    with observe() as seen:
        nn.functional.cross_entropy(torch.ones(2, 3), torch.tensor([0, 1]))
    assert computed(seen.events)[-2:] == ["aten::_log_softmax", "aten::nll_loss_forward"]


def decorated(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    def wrapper(x: torch.Tensor) -> torch.Tensor:
        return function(x).neg()  # at: decorator

    return wrapper


def produced(x: torch.Tensor) -> Iterator[torch.Tensor]:
    yield x.sin()  # at: generator
    yield x.cos()  # at: generator again


@decorated
def halved(x: torch.Tensor) -> torch.Tensor:
    return x.div(2)  # at: function


def test_sites_name_the_running_line_of_the_user(observe: Any) -> None:
    root: Callable[[torch.Tensor], torch.Tensor] = lambda x: x.sqrt()  # noqa: E731  # at: lambda
    with observe() as seen:
        x = torch.ones(4)
        halved(x)
        root(x)
        list(produced(x))
        [x.pow(i) for i in (3, 4)]  # at: comprehension
        exec(compile("x.ceil()", "<string>", "exec"), {"x": x})
    wanted = {
        "aten::div": ("function", "halved"),
        "aten::neg": ("decorator", "wrapper"),
        "aten::sqrt": ("lambda", "<lambda>"),
        "aten::sin": ("generator", "produced"),
        "aten::cos": ("generator again", "produced"),
    }
    for name, (mark, function) in wanted.items():
        event = seen.one(name)
        assert line(event) == at(mark), name
        assert event.site.function == function
    assert {line(e) for e in seen.named("aten::pow")} == {at("comprehension")}
    assert seen.one("aten::ceil").site.file == "<string>"


def test_code_of_a_text_is_where_its_loader_says(observe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_codes", {})
    monkeypatch.setattr(texts, "_names", {})
    cell = compile("\nx.ceil()\ndef f():\n    return x.floor()\n", "/tmp/ipykernel_4711/1.py", "exec")
    texts.name("/tmp/ipykernel_4711/1.py", texts.TextPlace("cell 3"), "the text of cell 3")
    example = compile("x.trunc()", "<doctest mine[0]>", "exec")
    texts.keep(example, texts.TextPlace("mine.py", 40))
    names: dict[str, Any] = {"x": torch.ones(3), "round": torch.round}
    generated = compile("def g(x):\n    return round(x)\n", "<attrs generated>", "exec")
    with observe() as seen:
        exec(cell, names)
        names["f"]()
        exec(example, names)
        exec(generated, names)
        names["g"](names["x"])  # at: generated
    sites = {name: seen.one(f"aten::{name}").site for name in ("ceil", "floor", "trunc")}
    assert {name: str(site) for name, site in sites.items()} == {
        "ceil": "cell 3, line 2",
        "floor": "cell 3, line 4",
        "trunc": "mine.py:41",
    }
    assert line(seen.one("aten::round")) == at("generated")
    assert seen.run.records["main"].sources()["cell 3"] == "the text of cell 3"


def test_threads_have_streams_of_their_own(observe: Any) -> None:
    def work() -> None:
        torch.ones(3).cumsum(0)  # at: thread

    with observe() as seen:
        torch.ones(2).exp()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        torch.ones(2).sin()
    assert computed(seen.events) == ["aten::fill_", "aten::exp", "aten::fill_", "aten::sin"]
    others = [e for number in seen.threads() if number for e in seen.thread(number)]
    assert computed(others) == ["aten::fill_", "aten::cumsum"]
    assert {line(e) for e in others} == {at("thread")}


def test_deep_recursion(observe: Any) -> None:
    def down(n: int) -> torch.Tensor:
        return torch.ones(1).neg() if n == 0 else down(n - 1)  # at: deep

    with observe() as seen:
        down(700)
    assert line(seen.one("aten::neg")) == at("deep")


def test_an_operation_that_raises_is_no_event_and_what_follows_is_seen(observe: Any) -> None:
    with observe() as seen:
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            torch.ones(2, 3) @ torch.ones(2, 3)
        with pytest.raises(IndexError):
            torch.ones(3)[torch.tensor([7])]
        torch.ones(2).exp()
    assert "aten::mm" not in computed(seen.events)
    assert seen.events[-1].name == "aten::exp"


# -- modules -------------------------------------------------------------------------------------------


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 3)
        self.act = nn.Tanh()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.inner(x)).exp()  # at: forward


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(), Block()])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = block(x)
        return nn.Softmax(dim=-1)(x)  # made anew in each forward


def test_module_paths_and_the_forward_line_in_backward(observe: Any) -> None:
    net = Net()
    with observe() as seen:
        net(torch.ones(2, 3)).square().sum().backward()  # at: call
    assert [e.module for e in seen.named("aten::addmm")] == ["blocks.0.inner", "blocks.1.inner"]
    assert [e.module for e in seen.named("aten::exp")] == ["blocks.0", "blocks.1"]
    assert {line(e) for e in seen.named("aten::addmm")} == {at("forward")}
    for name, node in (("aten::tanh_backward", "TanhBackward0"), ("aten::mm", "AddmmBackward0")):
        found = seen.named(name)
        assert {line(e) for e in found} == {at("forward")}
        assert {e.phase for e in found} == {"backward"}
        assert {e.node for e in found} == {node}
    assert [e.module for e in seen.named("aten::tanh_backward")] == ["blocks.1.act", "blocks.0.act"]


def test_what_a_node_leaves_to_the_engine_belongs_to_the_node(observe: Any) -> None:
    bias = torch.zeros(3, requires_grad=True)
    with observe() as seen:
        x = torch.ones(4, 3)
        y = x.add(bias)  # at: broadcast
        z = y.sigmoid()
        (z.exp() + z.sin()).sum().backward()
    (summed,) = [e for e in seen.named("aten::sum") if e.phase == "backward"]
    assert (line(summed), summed.node) == (at("broadcast"), "AddBackward0")


def test_an_accumulated_gradient_has_the_line_of_backward(observe: Any) -> None:
    weight = torch.ones(3, requires_grad=True)
    weight.grad = torch.ones(3)
    with observe() as seen:
        (weight * 2).sum().backward()  # at: backward
    added = next(e for e in seen.events if (e.node or "").endswith("AccumulateGrad"))
    assert line(added) == at("backward")
    assert added.phase == "backward"


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        ctx.save_for_backward(x)
        return x.mul(2)  # at: custom forward

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return grad.mul(2)  # at: custom backward


def test_custom_autograd_functions_show_their_own_lines(observe: Any) -> None:
    with observe() as seen:
        x = torch.ones(3, requires_grad=True)
        Doubled.apply(x).sum().backward()
    forward, backward = seen.named("aten::mul")
    assert (line(forward), forward.phase) == (at("custom forward"), "other")
    assert (line(backward), backward.phase, backward.node) == (
        at("custom backward"),
        "backward",
        "DoubledBackward",
    )


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoint_recomputes_in_the_backward_phase(observe: Any, reentrant: bool) -> None:
    block = Block()
    with observe() as seen:
        x = torch.ones(2, 3, requires_grad=True)
        checkpoint(block, x, use_reentrant=reentrant).sum().backward()
    first, again = seen.named("aten::addmm")
    assert (first.phase, again.phase) == ("forward", "backward")
    assert first.digest == again.digest
    assert first.module == again.module == "inner"
    assert line(first) == line(again) == at("forward")
    assert len([e for e in seen.events if e.kind == "loss"]) == 1


def test_hooks_run_on_their_own_lines(observe: Any) -> None:
    net = nn.Linear(3, 3)
    net.register_forward_hook(lambda m, a, out: out.sin())  # at: forward hook
    net.register_full_backward_hook(lambda m, a, b: (a[0].cos(),))  # at: backward hook
    with observe() as seen:
        x = torch.ones(2, 3, requires_grad=True)
        y = net(x)
        y.register_hook(lambda grad: grad.tan())  # at: tensor hook
        y.sum().backward()
    assert line(seen.one("aten::sin")) == at("forward hook")
    assert line(seen.one("aten::tan")) == at("tensor hook")
    backward = [e for e in seen.named("aten::cos") if line(e) == at("backward hook")]
    assert len(backward) == 1
    assert {seen.one("aten::tan").phase, backward[0].phase} == {"backward"}


def test_double_backward(observe: Any) -> None:
    with observe() as seen:
        x = torch.ones(3, requires_grad=True)
        y = x.tanh().sum()  # at: first
        (grad,) = torch.autograd.grad(y, x, create_graph=True)
        grad.pow(2).sum().backward()  # at: second
    assert {e.kind for e in seen.events} >= {"op", "loss"}
    phases = [e.phase for e in seen.named("aten::tanh_backward")]
    assert phases == ["backward"] * len(phases) != []
    assert {line(e) for e in seen.named("aten::tanh_backward")} == {at("first")}
    assert at("second") in {line(e) for e in seen.events if e.phase == "backward" and e.site}


# -- memory --------------------------------------------------------------------------------------------


def test_views_are_not_writes(observe: Any) -> None:
    with observe() as seen:
        x = torch.arange(12.0)
        x.view(3, 4).t()[1:].unsqueeze(0)
        x[2:].mul_(2)
    for name in ("aten::view", "aten::t", "aten::slice", "aten::unsqueeze"):
        assert all(e.flags & VIEW for e in seen.named(name)), name
    assert not seen.one("aten::mul_").flags & VIEW


def test_a_view_of_other_values_has_the_same_digest_and_a_write_has_not(observe: Any) -> None:
    runs = []
    for scale in (1.0, 2.0):
        with observe() as seen:
            x = torch.full((6,), scale)
            x.view(2, 3)
            x.add_(1)
        runs.append(seen)
    a, b = runs
    assert a.one("aten::view").digest == b.one("aten::view").digest
    assert a.one("aten::add_").digest != b.one("aten::add_").digest


def test_uninitialised_memory_is_told_by_its_shape_until_it_is_read(observe: Any) -> None:
    with observe(zoom=(0, 0)) as seen:
        torch.empty(4).add(1)  # at: read of nothing
        filled = torch.empty(4)  # at: filled
        filled.fill_(1).add(1)
        half = torch.empty(4)  # at: half
        half[:2] = 1
        half.sub(1)  # at: read of half
    read, fine = seen.named("aten::add")
    assert {e.digest for e in seen.named("aten::empty")} == {seen.named("aten::empty")[0].digest}
    assert all(e.flags & UNINITIALIZED for e in seen.named("aten::empty"))
    assert read.flags & READS_UNINITIALIZED
    assert read.source is not None
    assert (line(read), read.source.line) == (at("read of nothing"), at("read of nothing"))
    assert not fine.flags & READS_UNINITIALIZED
    partly = seen.one("aten::sub")
    assert partly.flags & READS_UNINITIALIZED
    assert partly.source is not None
    assert (line(partly), partly.source.line) == (at("read of half"), at("half"))


def test_an_operation_that_fills_the_memory_it_is_given_and_returns_it_reads_nothing(observe: Any) -> None:
    """FSDP2's `all_gather_copy_in`: a part of the buffer is filled, and the buffer is returned."""
    library = torch.library.Library("samebits_tests", "FRAGMENT")
    library.define("copy_in(Tensor part, Tensor buffer) -> (Tensor, Tensor)")

    def copy_in(part: torch.Tensor, buffer: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        own = buffer.narrow(0, 0, part.numel())
        own.copy_(part)
        return own, buffer

    library.impl("copy_in", copy_in, "CPU")
    with observe(zoom=(0, 0)) as seen:
        _, buffer = torch.ops.samebits_tests.copy_in(torch.ones(2), torch.empty(4))
        buffer.add(1)
    event = seen.one("samebits_tests::copy_in")
    assert event.flags & (READS_UNINITIALIZED | VIEW) == VIEW
    assert not seen.one("aten::add").flags & READS_UNINITIALIZED


def test_a_result_where_another_tensor_was_freed_is_still_an_event(observe: Any) -> None:
    """What an operation is made of is compared by tensor, and not by an address that may be used again."""
    library = torch.library.Library("samebits_tests", "FRAGMENT")
    library.define("chain(Tensor x) -> Tensor")

    def chain(x: torch.Tensor) -> torch.Tensor:
        made = x + 1
        addresses.append(made._cdata)
        view = made.view(2, 2)
        del made
        view = view.view(4)  # no event of its own, and where `made` was
        addresses.append(view._cdata)
        return view

    addresses: list[int] = []
    library.impl("chain", chain, "CompositeImplicitAutograd")
    with observe() as seen, torch.inference_mode():
        x = torch.ones(4)
        for _ in range(20):
            torch.ops.samebits_tests.chain(x)
    assert len(seen.named("samebits_tests::chain")) == 20
    assert addresses[::2] != addresses[1::2], "held, so that no other tensor has that address"


def test_an_operator_taken_back_leaves_nothing_to_one_that_comes_after_it(observe: Any) -> None:
    """A notebook's cell that is run again: the new operator's name may lie where the old one's lay."""
    for number in range(100, 140):
        library = torch.library.Library("samebits_tests", "FRAGMENT")
        library.define(f"again{number}(Tensor x) -> Tensor")
        library.impl(f"again{number}", torch.neg, "CPU")
        with observe() as seen:
            getattr(torch.ops.samebits_tests, f"again{number}")(torch.ones(2))
        assert [e.name for e in seen.operations()][-1] == f"samebits_tests::again{number}"
        library._destroy()


def test_outputs_given_by_the_caller_are_digested_and_count_as_written(observe: Any) -> None:
    with observe() as seen:
        out = torch.empty(3)
        torch.add(torch.ones(3), 1, out=out)
        out.exp()
        torch.sort(torch.tensor([3.0, 1.0, 2.0]), out=(torch.empty(3), torch.empty(3, dtype=torch.int64)))
    assert not any(e.flags & READS_UNINITIALIZED for e in seen.events)
    assert seen.one("aten::sort").digest != 0


def test_foreach_operations_are_seen_with_every_result(observe: Any) -> None:
    digests = []
    for last in (1.0, 2.0):
        with observe() as seen:
            tensors = [torch.ones(3), torch.full((3,), last)]
            torch._foreach_mul_(tensors, 2.0)
            torch._foreach_add(tensors, 1.0)
        digests.append({e.digest for e in seen.events if e.name != "aten::fill_"})
    assert digests[0] != digests[1]


# -- phases --------------------------------------------------------------------------------------------

OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: torch.optim.Adam(p, foreach=False),
    "Adam foreach": lambda p: torch.optim.Adam(p, foreach=True),
    "Adam fused": lambda p: torch.optim.Adam(p, fused=True),
    "AdamW": lambda p: torch.optim.AdamW(p),
    "RMSprop": lambda p: torch.optim.RMSprop(p),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(observe: Any, name: str) -> None:
    net = nn.Linear(3, 2)
    optimizer = OPTIMIZERS[name](net.parameters())
    with observe() as seen:
        for _ in range(2):
            optimizer.zero_grad()
            net(torch.ones(4, 3)).square().mean().backward()
            optimizer.step()  # at: step
    for step in range(2):
        kinds = [e for e in seen.events if e.step == step]
        assert [e.name for e in kinds if e.kind == "gradient"] == ["weight", "bias"]
        assert [e.name for e in kinds if e.kind == "parameter"] == ["weight", "bias"]
        inside = [e for e in kinds if e.kind == "op" and e.phase == "optimizer"]
        assert inside
        assert {line(e) for e in inside} == {at("step")}
    first, second = [[e.digest for e in seen.named("weight") if e.step == n] for n in (0, 1)]
    assert len({*first, *second}) == 4
    assert {e.phase for e in seen.named("aten::addmm")} == {"forward"}


def test_the_closure_of_lbfgs_has_the_phases_of_any_training_code(observe: Any) -> None:
    net = nn.Linear(3, 1)
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=3)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = net(torch.ones(2, 3)).square().sum()  # at: closure
        loss.backward()
        return loss

    with observe() as seen:
        optimizer.step(closure)
        torch.ones(2).exp()
    assert {e.phase for e in seen.named("aten::addmm")} == {"forward"}
    assert {line(e) for e in seen.named("aten::addmm")} == {at("closure")}
    assert {e.phase for e in seen.named("aten::mm")} == {"backward"}
    assert "optimizer" in {e.phase for e in seen.events if e.kind == "op"}
    assert seen.one("aten::exp").phase == "other"
    assert len([e for e in seen.events if e.kind == "parameter"]) == 2 * 2  # after the step, and at the end


def test_autocast_and_gradient_scaling(observe: Any) -> None:
    net = nn.Linear(3, 3)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    with observe() as seen:
        with torch.autocast("cpu", torch.bfloat16):
            loss = net(torch.ones(2, 3)).float().sum()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    assert seen.one("aten::addmm").module == "Linear"
    assert "aten::_to_copy" in computed(seen.events) or "aten::copy_" in computed(seen.events)
    assert "aten::_amp_foreach_non_finite_check_and_unscale_" in computed(seen.events)
    assert [e.name for e in seen.events if e.kind == "parameter" and e.step == 0] == ["weight", "bias"]


def test_random_operations_are_marked_and_know_the_state_before_them(observe: Any) -> None:
    with observe(zoom=(0, 0)) as seen:
        generator = torch.Generator().manual_seed(3)
        torch.rand(3, generator=generator)
        torch.rand(3, generator=generator)
        generator.manual_seed(3)
        torch.rand(3, generator=generator)
        torch.randn(2)
        torch.dropout(torch.ones(4), 0.5, True)
    first, second, again = seen.named("aten::uniform_")
    assert first.generator == again.generator != second.generator
    assert first.digest == again.digest != second.digest
    random = {e.name for e in seen.events if e.flags & RANDOM}
    assert random == {"aten::uniform_", "aten::normal_", "aten::bernoulli_"}
    assert not seen.one("aten::mul").flags & RANDOM


def test_inputs_are_digested_where_zoomed(observe: Any) -> None:
    with observe(zoom=(0, 0)) as seen:
        x = torch.ones(3)
        x.mul(2)
        x.mul(3)
        x.mul(2)
    a, b, c = seen.named("aten::mul")
    assert a.inputs == c.inputs != b.inputs
    with observe() as seen:
        torch.ones(3).mul(2)
    assert seen.one("aten::mul").inputs is None


# -- tensors of every kind -----------------------------------------------------------------------------


class Wrapper(torch.Tensor):
    """Holds another tensor, as DTensor and the quantized subclasses do."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> Wrapper:
        return torch.Tensor._make_wrapper_subclass(cls, held.shape, dtype=held.dtype)  # type: ignore[no-any-return]

    def __init__(self, held: torch.Tensor) -> None:
        self.held = held

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["held"], None

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        plain = [a.held if isinstance(a, Wrapper) else a for a in args]
        out = func(*plain, **(kwargs or {}))
        return cls(out) if isinstance(out, torch.Tensor) else out


def _sparse(v: float) -> None:
    (torch.eye(3) * v).to_sparse().mul(2)


def _sparse_csr(v: float) -> None:
    (torch.eye(3) * v).to_sparse_csr().mul(2)


def _complex(v: float) -> None:
    (torch.ones(3, dtype=torch.complex64) * v).conj().mul(1j).imag.add(1)


def _quantized(v: float) -> None:
    torch.quantize_per_tensor(torch.ones(4) * v, 0.1, 2, torch.quint8)


def _float8(v: float) -> None:
    (torch.ones(4) * v).to(torch.float8_e4m3fn)


def _nested(v: float) -> None:
    torch.nested.nested_tensor([torch.ones(2) * v, torch.ones(3)]).mul(2)


def _jagged(v: float) -> None:
    values = torch.ones(4, 2) * v
    torch.nested.nested_tensor_from_jagged(values, torch.tensor([0, 1, 4])).mul(3)


def _subclass(v: float) -> None:
    Wrapper(torch.ones(3) * v).mul(2)


def _parameter(v: float) -> None:
    nn.Parameter(torch.full((3,), v)).exp()


def _vmap(v: float) -> None:
    torch.vmap(lambda x: x.sin())(torch.full((3, 2), v))


def _grad(v: float) -> None:
    torch.func.grad(lambda x: x.sin().sum())(torch.full((3,), v))


def _inference(v: float) -> None:
    with torch.inference_mode():
        torch.full((3,), v).sin()


def _permuted(v: float) -> None:
    torch.full((300, 200), v).t()[::2].mul(1)


def _bools(v: float) -> None:
    torch.full((9,), v).gt(1.5)


def _half(v: float) -> None:
    torch.full((9,), v).bfloat16().mul(2)


CASES = [
    _sparse, _sparse_csr, _complex, _quantized, _float8, _nested, _jagged, _subclass, _parameter, _vmap,
    _grad, _inference, _permuted, _bools, _half,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_a_value_inside_any_tensor_is_seen(
    observe: Any, case: Callable[[float], None], capfd: pytest.CaptureFixture[str]
) -> None:
    """The last thing computed differs between two values and is the same for one."""
    ends = []
    case(1.0)  # what torch makes once only
    for value in (1.0, 1.0, 2.0):
        with observe(zoom=(0, 0), capture_bytes=1 << 20) as seen:
            case(value)
        # The first difference is at the values given; that would be seen anyhow.
        ends.append([e.digest for e in seen.events if e.kind == "op" and not e.flags & VIEW][1:])
    assert ends[0] == ends[1]
    assert ends[0][-1] != ends[2][-1]
    assert "RecordFunction" not in capfd.readouterr().err


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_tensors_without_values_do_no_harm(observe: Any) -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode

    with observe(zoom=(0, 0), capture_bytes=1 << 20) as seen:
        torch.ones(4, device="meta").add(1).sum()
        with FakeTensorMode():
            (torch.ones(3, requires_grad=True) * 2).sum().backward()
        empty = torch.ones(0, 3)
        empty.mul(2)
        torch.cat([empty, empty])
        nn.Linear(3, 2)(empty).sum().backward()
        torch.ones(4).untyped_storage().resize_(0)
        torch._efficientzerotensor([3]).add(1)
        torch.ones(3).exp()
    assert seen.events[-1].name == "aten::exp"
    assert seen.run.records["main"].status == "finished"
    assert "incomplete" not in seen.run.records["main"].notes


def test_distributed_tensors(observe: Any, tmp_path: Path) -> None:
    distributed = pytest.importorskip("torch.distributed")
    if not distributed.is_available():
        pytest.skip("torch without distributed")
    from torch.distributed.tensor import DTensor, Replicate, init_device_mesh

    store = distributed.FileStore(str(tmp_path / "store"), 1)
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        mesh = init_device_mesh("cpu", (1,))
        digests = []
        for value in (1.0, 2.0):
            local = torch.full((4,), value)
            weight = nn.Parameter(DTensor.from_local(local, mesh, [Replicate()], run_check=False))
            optimizer = torch.optim.SGD([weight], lr=0.5)
            with observe() as seen:
                (weight * 2).sum().backward()
                optimizer.step()
            digests.append([e.digest for e in seen.events if e.kind in ("gradient", "parameter")])
            assert "aten::mul" in computed(seen.events)
    finally:
        distributed.destroy_process_group()
    (gradient_a, *parameters_a), (gradient_b, *parameters_b) = digests
    assert gradient_a == gradient_b
    assert len(set(parameters_a)) == len(set(parameters_b)) == 1  # after the step, and at the end
    assert parameters_a != parameters_b


# -- what the observer must not do ---------------------------------------------------------------------


def test_a_mode_of_the_users_sees_what_it_would_see_unobserved(observe: Any) -> None:
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counting(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[str] = []

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.seen.append(str(func))
            return func(*args, **(kwargs or {}))

    def program() -> list[str]:
        with Counting() as mode:
            x = torch.full((300, 300), 2.0).t()
            y = (x * 2).requires_grad_()  # not contiguous, and large
            z = torch.ones(300, 300, dtype=torch.complex64).conj()
            (y.sum() + (z * 1).abs().sum()).backward()
        return mode.seen

    plain = program()
    with observe(zoom=(0, 0), capture_bytes=1 << 24) as seen:
        observed = program()
    assert observed == plain
    assert "aten::mul" in computed(seen.events)


def test_a_function_mode_of_the_users_sees_what_it_would_see_unobserved(observe: Any) -> None:
    class Counting(torch.overrides.TorchFunctionMode):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[str] = []

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.seen.append(getattr(func, "__name__", str(func)))
            return func(*args, **(kwargs or {}))

    def program() -> list[str]:
        weight = nn.Parameter(torch.ones(3))
        optimizer = torch.optim.SGD([weight], lr=0.1)
        with Counting() as mode:
            weight.sum().backward()
            optimizer.step()
        return mode.seen

    plain = program()
    with observe():
        observed = program()
    assert observed == plain


def test_the_graph_that_autograd_builds_is_the_same(observe: Any) -> None:
    def program() -> list[str]:
        x = torch.ones(300, 300, requires_grad=True)
        y = (x.t() * 2).tanh().sum()
        names, node = [], y.grad_fn
        while node is not None:
            names.append(node.name())
            node = node.next_functions[0][0] if node.next_functions else None
        return names

    plain = program()
    with observe(zoom=(0, 0), capture_bytes=1 << 24):
        assert program() == plain


def test_optimizers_are_no_reason_to_search_all_objects_again(
    observe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samebits.observe.names import Names

    searches = []
    search = Names._scan
    monkeypatch.setattr(Names, "_scan", lambda self: (searches.append(1), search(self)))
    weights = [nn.Parameter(torch.ones(1)) for _ in range(200)]  # that no module holds
    optimizer = torch.optim.SGD(weights, lr=0.1)
    net = Net()
    with observe():
        for _ in range(3):
            net(torch.ones(1, 3))  # makes a Softmax each time
            sum(weights).backward()  # type: ignore[union-attr]
            optimizer.step()
    assert len(searches) <= 4


def test_digests_do_not_depend_on_the_number_of_threads() -> None:
    native: ModuleType = observer.load()
    x = torch.arange(1 << 20)
    before = torch.get_num_threads()
    try:
        found = set()
        for n in (1, 2, 3):
            torch.set_num_threads(n)
            found.add(native.digest(x))
    finally:
        torch.set_num_threads(before)
    assert len(found) == 1


def test_compilation_is_nobodys_and_a_traced_graph_is_seen(observe: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(lambda x: x.sin().cos(), torch.ones(3))
        with observe() as seen:
            traced(torch.ones(3))
    assert "aten::sin" in computed(seen.events)
