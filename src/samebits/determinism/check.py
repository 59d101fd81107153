"""Whether operations are stable on this machine: each is run many times, and its distinct results counted.

torch's own kernel runs with torch's flag off, ours under the mode with everything
replaced.  One distinct result out of fifty proves nothing for torch's kernel, whose
order of additions the scheduler chooses; more than one proves that it is not stable.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import torch
import xxhash
from torch import Tensor

from samebits.determinism.mode import deterministic
from samebits.errors import UsageError
from samebits.ops.case import Case, Maker, Size
from samebits.ops.cases import CASES
from samebits.ops.table import OPERATIONS


@dataclass(frozen=True, slots=True)
class Stability:
    """What became of one case.

    Attributes:
        case: its name.
        names: the operations of the table that it reaches, as users call them.
        runs: how often each was run.
        torch: distinct results of torch's own kernel.
        samebits: distinct results of ours; 1 is what is wanted.
        error: what was raised under the mode, else "".
    """

    case: str
    names: tuple[str, ...]
    runs: int
    torch: int
    samebits: int
    error: str = ""

    @property
    def stable(self) -> bool:
        """Whether ours gave one result, without an error."""
        return self.samebits == 1 and not self.error


def stability(
    only: Collection[str] = (), *, device: str = "cpu", runs: int = 50, size: Size = Size.PARTED
) -> Iterator[Stability]:
    """Run the cases of the operations called `only` (all, if empty), one after the other.

    Raises:
        UsageError: a name that no operation has, or a device that is not there; before anything runs.
    """
    known = {row.name for row in OPERATIONS}
    for name in only:
        if name not in known:
            raise UsageError(f"no operation is called {name!r}; `samebits ops` lists them.")
    if device.partition(":")[0] not in ("cpu", "cuda"):
        raise UsageError(f"operations are replaced on the CPU and on CUDA, not on {device!r}.")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError("no CUDA device is there; run `samebits ops --check` without --device cuda.")
    return _each(selected(only), device, runs, size)


def selected(only: Collection[str] = ()) -> list[tuple[Case, tuple[str, ...]]]:
    """The cases that reach an operation called one of `only`, each with the names that it reaches."""
    names = {row.schema: row.name for row in OPERATIONS}
    found = []
    for case in CASES:
        reached = tuple(dict.fromkeys(names[schema] for schema in case.schemas))
        if not only or set(only) & set(reached):
            found.append((case, reached))
    return found


def _each(
    cases: list[tuple[Case, tuple[str, ...]]], device: str, runs: int, size: Size
) -> Iterator[Stability]:
    for case, names in cases:
        run = _run(case, device, size)
        torchs = {run() for _ in range(runs)}
        ours, error = set(), ""
        try:
            with deterministic(replace="all"):
                ours = {run() for _ in range(runs)}
        except Exception as raised:  # whatever an operation raises is the finding
            error = f"{type(raised).__name__}: {raised}"
        yield Stability(case.name, names, runs, len(torchs), len(ours), error)


def _run(case: Case, device: str, size: Size) -> Callable[[], bytes]:
    """A function that runs the case on the same data and returns a digest of all it computes."""
    task = case.task(size, Maker(torch.float32, device))
    inputs = [value.requires_grad_(case.backward) for value in task.inputs]

    def run() -> bytes:
        results = [task.call(*inputs)]
        if case.backward:
            weights = torch.linspace(0.5, 1.5, results[0].numel(), device=device).reshape(results[0].shape)
            results += torch.autograd.grad(results[0], inputs, weights.to(results[0].dtype))
        return _digest(results)

    return run


def _digest(tensors: list[Tensor]) -> bytes:
    state = xxhash.xxh3_128()
    for tensor in tensors:
        state.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return state.digest()
