"""Whether operations are stable on this machine: each is run many times, and its distinct results counted.

torch's own kernel runs with torch's flag off, ours under the mode with everything
replaced.  One distinct result out of fifty proves nothing for torch's kernel, whose
order of additions the scheduler chooses; more than one proves that it is not stable.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import torch
import xxhash
from torch import Tensor

from samebits.determinism.mode import deterministic
from samebits.determinism.overrides import exists
from samebits.errors import UsageError
from samebits.model.operators import OPERATIONS, meant, table_name
from samebits.ops.case import Case, Maker, Size
from samebits.ops.cases import CASES


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
    try:
        kind = torch.device(device).type
    except RuntimeError:
        kind = device
    if kind not in ("cpu", "cuda"):
        raise UsageError(f"operations are replaced on the CPU and on CUDA, not on {device!r}.")
    if kind == "cuda" and not torch.cuda.is_available():
        raise UsageError("no CUDA device is there; run `samebits ops --check` without --device cuda.")
    return _each(selected(only), device, runs, size)


def selected(only: Collection[str] = ()) -> list[tuple[Case, tuple[str, ...]]]:
    """The cases that reach an operation called one of `only`, each with the names that it reaches.

    Those of a library that is not installed are left out.

    Raises:
        UsageError: a name that no operation has, or of whose operations none is there.
    """
    rows = {row.schema: row for row in OPERATIONS}
    wanted = set(named(only))
    if any(row.schema.startswith("torchvision::") for row in OPERATIONS if not wanted or row.name in wanted):
        with contextlib.suppress(ImportError, RuntimeError):  # built for another torch
            import torchvision  # noqa: F401  # its operations are there once it is imported
    found = []
    for case in CASES:
        reached = tuple(dict.fromkeys(rows[schema].name for schema in case.schemas))
        there = all(exists(rows[schema]) for schema in case.schemas)
        if there and (not wanted or wanted & set(reached)):
            found.append((case, reached))
    if not found:
        raise UsageError(f"{', '.join(sorted(wanted))}: not in this process; pip install torchvision")
    return found


def named(words: Collection[str]) -> list[str]:
    """The table's names of operations, by those or by what the dispatcher calls them.

    Raises:
        UsageError: a word that no operation has.
    """
    names = {word: table_name(word) for word in words}
    for word, name in names.items():
        if name is None:
            raise UsageError(f"the table has no {word!r}: {meant(word)}")
    return [name for name in names.values() if name is not None]


def _each(
    cases: list[tuple[Case, tuple[str, ...]]], device: str, runs: int, size: Size
) -> Iterator[Stability]:
    for case, names in cases:
        torchs: set[bytes] = set()
        ours: set[bytes] = set()
        error = ""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of torch, on interfaces that are to change
                run = _run(case, device, size)
                torchs = {run() for _ in range(runs)}
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
