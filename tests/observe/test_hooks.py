"""The hooks: what a training loop leaves in a record, and that equal code leaves equal records."""

from __future__ import annotations

import pickle
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.deep import only
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from samebits.compare import compare
from samebits.observe import observer
from samebits.observe.hooks import StopRun

pytestmark = [
    pytest.mark.usefixtures("generators_restored"),
    pytest.mark.skipif(observer.compiler() is None, reason="needs a C++ compiler"),
]


def model(seed: int = 0) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))
    return net, torch.optim.SGD(net.parameters(), lr=0.1)


def train(net: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 3) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        net(torch.randn(3, 4)).square().mean().backward()
        optimizer.step()


# -- steps, losses, parameters -------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["step", "op"])
def test_a_training_loop(observe: Any, level: str) -> None:
    net, optimizer = model()
    with observe(level=level) as seen:
        train(net, optimizer)
    record = seen.run.records["main"]
    assert record.steps == 3
    names = ["0.weight", "0.bias", "2.weight", "2.bias"]
    for step in range(3):
        events = [e for e in seen.events if e.step == step]
        assert [e.name for e in events if e.kind == "gradient"] == names
        assert [e.name for e in events if e.kind == "parameter"] == names
        assert len([e for e in events if e.kind == "loss"]) == 1
        assert {e.name for e in events if e.kind == "generator"} >= {"python", "torch:cpu"}
    assert bool([e for e in seen.events if e.kind == "op"]) is (level == "op")


def test_the_loss_is_kept_to_the_bit(observe: Any) -> None:
    x = torch.tensor([0.1], requires_grad=True)
    nan = torch.tensor([struct.unpack("<f", struct.pack("<I", 0x7FC00123))[0]], requires_grad=True)
    with observe(level="step") as seen:
        (x * 3).sum().backward()
        nan.sum().backward()
        x.double().sum().backward()
        (x * torch.ones(4)).backward(torch.ones(4))  # no scalar: no value
    losses = seen.run.records["main"].losses()
    assert [loss.value for loss in losses[::2]] == [
        pytest.approx(0.3),
        0.10000000149011612,
    ]
    assert bytes.fromhex(losses[0].bits) == struct.pack("<f", (x * 3).item())
    assert losses[1].bits == "2301c07f"
    assert len(bytes.fromhex(losses[2].bits)) == 8
    assert len(losses) == 3
    assert [e.kind for e in seen.events] == ["loss"] * 4


def test_backward_of_several_roots(observe: Any) -> None:
    x = torch.ones(2, requires_grad=True)
    with observe(level="step") as seen:
        torch.autograd.backward([x.sum(), (x * 2).sum()])
        torch.autograd.backward((x.sum(),))
    assert [e.kind for e in seen.events] == ["loss"] * 3


def test_what_is_trained_by_hand_is_a_loss(observe: Any) -> None:
    weight = torch.ones(3, requires_grad=True)
    other = weight.square().sum()
    with observe(level="step") as seen:
        (gradient,) = torch.autograd.grad(weight.square().sum(), weight)
        torch.autograd.grad(
            outputs=(root for root in [other]), inputs=weight
        )  # torch takes them from anything
        torch.autograd.grad([weight.sum(), weight.prod()], weight)
        torch.func.vmap(torch.func.grad(lambda x: x.square().sum()))(torch.ones(2, 3))
    assert gradient.tolist() == [2.0, 2.0, 2.0]
    assert [(e.kind, e.name) for e in seen.events if e.kind == "loss"] == [("loss", "autograd.grad")] * 3
    record = seen.run.records["main"]
    assert record.losses() == [], "they are no curve"
    assert "left_out" not in record.notes


@pytest.mark.parametrize("threads", [0, 1, 2])
def test_what_other_threads_train_is_read_by_them_at_every_step(observe: Any, threads: int) -> None:
    """They follow no schedule, for any may be faster, and nothing of theirs is left for the end."""
    models = [model() for _ in range(3)]
    with observe(level="step", schedule={"main": [(1, 4)]}) as seen:
        for number, each in enumerate(models):
            if number < len(models) - threads:
                train(*each, 2)
            else:
                thread = threading.Thread(target=train, args=(*each, 2))
                thread.start()
                thread.join()
    (record,) = seen.run.records.values()
    reads = [sum(e.kind == "parameter" for e in record.events(number)) for number in record.threads()]
    own = 2 * (3 - threads)  # steps of this thread: all is read in the first, a fourth in each after it
    assert reads == [4 + (own - 1) + 4 * (3 - threads), *[8] * threads], "and all of this thread's at the end"


def test_values_taken_out_are_reads(observe: Any) -> None:
    x = torch.tensor([1.5])
    with observe(level="step") as seen:
        x.item()
        float(x)
        int(x)
        bool(x)
        x.tolist()
        x.numpy()
    assert [e.name for e in seen.events if e.kind == "read"] == [
        "Tensor.item", "Tensor.float", "Tensor.int", "Tensor.bool", "Tensor.tolist", "Tensor.numpy",
    ]  # fmt: skip
    assert len({e.digest for e in seen.events if e.kind == "read"}) == 1


def test_steps_are_counted_once_where_optimizers_nest(observe: Any) -> None:
    class Outer(torch.optim.Optimizer):
        def __init__(self, inner: torch.optim.Optimizer) -> None:
            super().__init__(inner.param_groups, {})
            self.inner = inner

        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            self.inner.step()
            self.inner.step()

    net, inner = model()
    outer = Outer(inner)
    with observe(level="step") as seen:
        for _ in range(2):
            net(torch.ones(1, 4)).sum().backward()
            outer.step()
    assert seen.run.records["main"].steps == 2


def test_a_step_that_raises_does_not_stop_the_counting(observe: Any) -> None:
    net, optimizer = model()

    def closure() -> float:
        raise KeyError("no batch")

    with observe(level="step") as seen:
        net(torch.ones(1, 4)).sum().backward()
        with pytest.raises(KeyError, match="no batch"):
            optimizer.step(closure)
        optimizer.step()
        optimizer.step()
    assert seen.run.records["main"].steps == 2


def test_a_run_is_stopped_after_so_many_steps(observe: Any) -> None:
    net, optimizer = model()
    cleaned = []

    def program() -> None:
        try:
            train(net, optimizer, 10)
        finally:
            cleaned.append("up")

    with observe(level="step", steps=2) as seen, pytest.raises(StopRun) as stopped:
        program()
    assert stopped.value.code == 0
    assert cleaned == ["up"]
    record = seen.run.records["main"]
    assert (record.steps, record.status) == (2, "stopped")


def test_what_cannot_be_observed_is_said_and_never_raised(
    observe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd(torch.optim.Optimizer):
        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            self.param_groups[0]["params"] = ["no tensor", None]

    odd = Odd([torch.ones(1, requires_grad=True)], {})
    with observe(level="step") as seen:
        odd.step()
        odd.step()
    left_out = seen.run.records["main"].notes["left_out"]
    assert any("could not be observed" in sentence for sentence in left_out)
    assert seen.run.records["main"].steps == 2


# -- batches -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_batches(observe: Any, workers: int) -> None:
    data = TensorDataset(torch.arange(6.0), torch.arange(6))
    with observe(level="step") as seen:
        for _ in DataLoader(data, batch_size=2, num_workers=workers):
            pass
    batches = [e for e in seen.events if e.kind == "batch"]
    assert [e.name for e in batches] == ["batch[0]", "batch[1]"] * 3
    assert len({e.digest for e in batches}) == 6
    assert {e.phase for e in batches} == {"data"}
    assert {Path(e.site.file).name for e in batches if e.site} == {"test_hooks.py"}


def test_batches_of_anything(observe: Any) -> None:
    class Texts(torch.utils.data.Dataset[Any]):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, i: int) -> Any:
            return {"text": "abc"[i], "none": None, "set": {i}, "deep": [(i, [i + 0.5])]}

    with observe(level="step") as seen:
        list(DataLoader(Texts(), batch_size=None))
    batches = [e for e in seen.events if e.kind == "batch"]
    assert len(batches) == 12
    assert "left_out" not in seen.run.records["main"].notes


def test_operations_of_a_dataset_are_data(observe: Any) -> None:
    class Lazy(torch.utils.data.Dataset[torch.Tensor]):
        def __len__(self) -> int:
            return 2

        def __getitem__(self, i: int) -> torch.Tensor:
            return torch.ones(2).exp()

    with observe() as seen:
        for batch in DataLoader(Lazy(), batch_size=2):
            batch.sin()
    assert {e.phase for e in seen.named("aten::exp")} == {"data"}
    assert seen.one("aten::sin").phase == "other"


# -- the budget ----------------------------------------------------------------------------------------


def test_a_schedule_is_followed_and_the_last_reading_is_whole(observe: Any) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(*(nn.Linear(2, 2) for _ in range(6)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with observe(level="step", schedule={"main": [(2, 4)]}) as seen:
        for _ in range(7):
            net(torch.ones(1, 2)).sum().backward()
            optimizer.step()
    read = [[e.name for e in seen.events if e.kind == "parameter" and e.step == n] for n in range(7)]
    everything = [name for name, _ in net.named_parameters()]
    assert read[0] == read[1] == everything
    assert [len(names) for names in read[2:]] == [3] * 5
    assert sorted(name for names in read[2:6] for name in names) == sorted(everything)
    assert [e.name for e in seen.events if e.step == 7 and e.kind == "parameter"] == everything


def test_many_parameters(observe: Any) -> None:
    weights = [nn.Parameter(torch.full((1,), float(i))) for i in range(10_000)]
    optimizer = torch.optim.SGD(weights, lr=0.1)
    for weight in weights:
        weight.grad = torch.ones(1)
    with observe(level="step") as seen:
        optimizer.step()
        optimizer.step()
    parameters = [e for e in seen.events if e.kind == "parameter" and e.step == 0]
    assert len(parameters) == 10_000
    assert parameters[-1].name == "parameter 9999"


# -- no false alarm ------------------------------------------------------------------------------------


def dropout() -> None:
    train(*model())


def nans() -> None:
    net, optimizer = model()
    (net(torch.full((2, 4), float("nan"))).sum() + torch.tensor(float("inf"))).backward()
    optimizer.step()


def views_and_aliases() -> None:
    x = torch.arange(12.0)
    alias, view = x, x.view(3, 4)
    view[1].mul_(2)
    alias.add_(1)
    x[::2] = x[1::2]
    torch.as_strided(x, (2, 2), (1, 1)).clone()


def accumulation() -> None:
    net, optimizer = model()
    for i in range(6):
        (net(torch.randn(3, 4)).sum() / 3).backward()
        if i % 3 == 2:
            optimizer.step()
            optimizer.zero_grad(set_to_none=i == 2)


def printing_of_times() -> None:
    net, optimizer = model()
    began = time.time()
    train(net, optimizer, 1)
    print(f"{time.time() - began:.9f} s", torch.tensor(0.5).item())


def logged_now_and_then() -> None:
    net, optimizer = model()
    for step in range(4):
        train(net, optimizer, 1)
        if time.perf_counter_ns() % 2 or step == 3:  # by the clock
            print([p.norm().item() for p in net.parameters()])


def buffers_overwritten() -> None:
    out = torch.empty(64, 64)
    torch.mm(torch.ones(64, 64), torch.ones(64, 64), out=out)
    buffer = torch.empty_like(out)
    buffer.copy_(out)
    torch.empty(100).normal_().sum().item()
    torch.empty(3).bernoulli_(0.5).sum().item()
    part = torch.empty(4)
    part[:2], part[2:] = 1, 2
    part.sum().item()
    resized = torch.empty(0)
    resized.resize_(8).fill_(1)
    resized.sum().item()


def two_optimizers() -> None:
    net, optimizer = model()
    other, second = model(1)
    for _ in range(2):
        train(net, optimizer, 1)
        train(other, second, 1)


def ends_with_nothing_read() -> None:
    torch.empty(10_000)
    torch.randn(5) * 2


CODE: list[Callable[[], None]] = [
    dropout, nans, views_and_aliases, accumulation, printing_of_times, logged_now_and_then,
    buffers_overwritten, two_optimizers, ends_with_nothing_read,
]  # fmt: skip


@pytest.mark.parametrize("code", CODE, ids=lambda code: code.__name__)
@pytest.mark.parametrize("level", only(["op"], ["step", "op"]))
def test_equal_runs_are_the_same(observe: Any, code: Callable[[], None], level: str) -> None:
    runs = []
    for _ in range(2):
        torch.manual_seed(7)
        with observe(level=level) as seen:
            code()
        runs.append(seen.run)
    verdict = compare(*runs)
    if level == "step" and code in (views_and_aliases, ends_with_nothing_read):
        assert (verdict.verdict, verdict.events) == ("incomplete", 0)  # nothing that is seen per step
        assert "neither run has a batch, a loss, a gradient" in str(verdict.reason)
        return
    assert verdict.verdict == "same", verdict.first
    assert verdict.events > 0


def test_an_unequal_run_is_not(observe: Any) -> None:
    runs = []
    for seed in (7, 8):
        torch.manual_seed(seed)
        with observe() as seen:
            torch.randn(3).mul(2).sum().item()
        runs.append(seen.run)
    verdict = compare(*runs)
    assert verdict.verdict == "diverged"
    assert verdict.first is not None
    assert verdict.first.op == "aten::randn" or "normal" in verdict.first.op


@pytest.mark.parametrize("level", only(["step"], ["step", "op"]))
@pytest.mark.parametrize("how", ["torch.save", "pickle", "a state that is saved"])
def test_what_is_saved_counts(observe: Any, how: str, level: str, tmp_path: Path) -> None:
    """Buffers and optimizers' states are in no reading of parameters; who saves them has read them."""
    runs = []
    for add in (0.0, 1e-6):
        torch.manual_seed(7)
        with observe(level=level) as seen:
            model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4))
            optimizer = torch.optim.Adam(model.parameters())
            model(torch.randn(8, 4)).square().mean().backward()
            optimizer.step()
            model[1].running_mean.add_(torch.tensor([0.0, 0.0, 0.0, add]))
            if how == "pickle":
                pickle.dumps(model[1].running_mean)
            elif how == "torch.save":
                torch.save(model.state_dict(), tmp_path / "model.pt")
            else:
                torch.save({"model": model, "optimizer": optimizer.state_dict()}, tmp_path / "model.pt")
        runs.append(seen.run)
    verdict = compare(*runs)
    assert verdict.verdict == "diverged"
    if level == "step":
        assert verdict.first is not None
        assert verdict.first.op == "read Tensor.pickle"


def test_what_the_observer_reads_in_one_thread_hides_nothing_of_another(observe: Any) -> None:
    with observe(level="step") as seen:
        value = torch.ones(2)
        with seen.trace.quiet():
            value.tolist()
            thread = threading.Thread(target=value.tolist)
            thread.start()
            thread.join()
    (record,) = seen.run.records.values()
    events = [event for number in record.threads() for event in record.events(number)]
    assert [event.name for event in events if event.kind == "read"] == ["Tensor.tolist"]
