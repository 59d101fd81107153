"""What is noted of DataLoaders and of torch's draws, in the process that iterates and in its workers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, TypeVar

import pytest
import torch
from tests.programs import Folder
from tests.recording import Record, Recording
from torch.utils.data import DataLoader

from samebits.model.facts import Detail, LoaderPass, LoaderTrained, LoaderWorker, Optimizer, TorchDraw
from samebits.observe import observer

pytestmark = pytest.mark.usefixtures("generators_restored")
native = pytest.mark.skipif(observer.compiler() is None, reason="needs a C++ compiler")

D = TypeVar("D", bound=Detail)


def of_kind(seen: Recording, kind: type[D]) -> list[D]:
    return [fact.detail for fact in seen.facts if isinstance(fact.detail, kind)]


class Samples(torch.utils.data.Dataset[torch.Tensor]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> torch.Tensor:
        return index + torch.rand(1)


def train(loader: Any, epochs: int = 1, extra: Sequence[Any] = ()) -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], 0.1)
    for _ in range(epochs):
        for batch in loader:
            optimizer.zero_grad()
            (weight * batch).sum().backward()
            optimizer.step()
        for other in extra:
            for batch in other:
                (weight * batch).sum().detach()


@pytest.mark.parametrize("level", ["op", "step"])
def test_passes_and_which_of_them_are_trained_on(observe: Record, level: str) -> None:
    training, validation = DataLoader(Samples(), batch_size=2), DataLoader(Samples(), batch_size=2)
    with observe(level=level) as seen:
        train(training, epochs=3, extra=[validation])
    passes = [(one.loader, one.n, one.first) for one in of_kind(seen, LoaderPass)]
    assert passes == [(1, 0, None), (2, 0, None)] * 3
    assert [one.loader for one in of_kind(seen, LoaderTrained)] == [1]
    assert [one.call for one in of_kind(seen, Optimizer)] == ["SGD"]


def test_loaders_that_are_read_side_by_side_are_both_trained_on(observe: Record) -> None:
    with observe(level="step") as seen:
        train((a + b for a, b in zip(DataLoader(Samples()), DataLoader(Samples()), strict=True)))
    assert sorted(one.loader or 0 for one in of_kind(seen, LoaderTrained)) == [1, 2]


def test_each_training_has_its_optimizer(observe: Record) -> None:
    with observe(level="step") as seen:
        for _ in range(2):
            train(DataLoader(Samples(), batch_size=2), epochs=2)
    steps = [fact.step for fact in seen.facts if isinstance(fact.detail, Optimizer)]
    assert steps == [0, 4]


@native
def test_draws_of_torch_have_a_state_a_line_and_a_loader(observe: Record) -> None:
    own = torch.Generator().manual_seed(3)
    drop = torch.nn.Dropout(0.5)
    with observe(level="op") as seen:
        for _ in range(2):
            torch.manual_seed(0)
            torch.rand(2)
        torch.rand(1, generator=own)
        drop(torch.ones(4))
        drop.eval()
        drop(torch.ones(4))  # which draws nothing
        list(DataLoader(Samples()))
    draws = [draw for draw in of_kind(seen, TorchDraw) if draw.call != "aten::random_"]
    rows = [(draw.generator, draw.call, draw.loader) for draw in draws]
    assert rows == [
        ("torch", "aten::rand", None),
        ("torch", "aten::rand", None),
        ("torch.Generator", "aten::rand", None),
        ("torch", "aten::dropout", None),
        ("torch", "aten::rand", 1),
    ]
    assert draws[0].state == draws[1].state != draws[3].state
    assert draws[3].module is not None
    sites = {fact.site.line for fact in seen.facts if isinstance(fact.detail, TorchDraw) and fact.site}
    assert len(sites) == 5


@native
def test_what_is_computed_anew_in_a_backward_is_no_draw(observe: Record) -> None:
    from torch.utils.checkpoint import checkpoint

    drop = torch.nn.Dropout(0.5)
    with observe(level="op") as seen:
        x = torch.ones(4, requires_grad=True)
        checkpoint(drop, x, use_reentrant=True).sum().backward()
        checkpoint(drop, x, use_reentrant=False).sum().backward()
    assert len([draw for draw in of_kind(seen, TorchDraw) if draw.call == "aten::dropout"]) == 2


@native
def test_a_line_has_so_many_rows_and_some_more_after_each_seed(observe: Record) -> None:
    with observe(level="op") as seen:
        for _ in range(3):
            torch.manual_seed(1)
            for _ in range(200):
                torch.rand(1)
                torch.randn(1)
    rows = of_kind(seen, TorchDraw)
    states = [row.state for row in rows if row.call == "aten::rand"]
    assert states.count(states[0]) == 3
    assert len(rows) <= 2 * 64 + 2 * 8


_PROGRAM = """\
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset
class Samples(Dataset):
    def __len__(self): return 8
    def __getitem__(self, i): return i + torch.rand(1)
class Stream(IterableDataset):
    def __iter__(self): return iter([1. + torch.rand(1) for _ in range(4)])
torch.manual_seed(0)
weight = torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.SGD([weight], .1)
loaders = [DataLoader(Samples(), batch_size=2, num_workers=2, multiprocessing_context=CONTEXT),
           DataLoader(Stream(), num_workers=1, multiprocessing_context=CONTEXT)]
if __name__ == "__main__":
    for loader in loaders:
        for batch in loader:
            optimizer.zero_grad(); (weight * batch).sum().backward(); optimizer.step()
"""


@native
@pytest.mark.slow
@pytest.mark.parametrize(
    ("context", "level"), [("fork", []), ("fork", ["--level", "op"]), ("spawn", ["--level", "step"])]
)
def test_workers_say_who_they_are_and_what_they_draw(folder: Folder, context: str, level: list[str]) -> None:
    folder.write("train.py", _PROGRAM.replace("CONTEXT", repr(context)))
    done = folder.run(sys.executable, "-m", "samebits", "record", *level, "train.py")
    assert done.code == 0, done.err
    (run,) = folder.runs()
    passes = [fact.detail for fact in run.records["main"].facts() if isinstance(fact.detail, LoaderPass)]
    assert [(one.loader, one.n) for one in passes] == [(1, 2), (2, 1)]
    workers = {key: record.facts() for key, record in run.records.items() if key != "main"}
    assert len(workers) == 3
    assert sorted(key.partition("#")[0] for key in workers)[0] == f"main/{passes[0].first}"
    said = []
    for _, rows in sorted(workers.items()):
        (mark,) = [fact.detail for fact in rows if isinstance(fact.detail, LoaderWorker)]
        draws = [fact for fact in rows if isinstance(fact.detail, TorchDraw)]
        assert draws
        assert all(fact.site is not None and fact.site.file == "train.py" for fact in draws)
        assert rows.index(next(fact for fact in rows if fact.detail is mark)) < rows.index(draws[0])
        said.append((mark.number, mark.n, mark.iterable))
    assert sorted(said) == [(0, 1, True), (0, 2, False), (1, 2, False)]
    starts = {
        next(fact.detail.state for fact in rows if isinstance(fact.detail, TorchDraw))
        for rows in workers.values()
    }
    assert len(starts) == 3
