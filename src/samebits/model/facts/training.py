"""The course of a training: passes of loaders, optimizers, checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from samebits.model.facts.detail import Detail, Scalar, Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderPass(Detail):
    """A DataLoader begins a pass over its batches.

    loader: its number in its process; another one for each line that begins a pass
    n: how many workers it starts for it
    first: the name of the first of these processes
    """

    loader: int | None = None
    n: int | None = None
    first: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderWorker(Detail):
    """A DataLoader's worker is about to make its first sample.

    number: which of the workers it is
    n: how many there are
    iterable: whether the dataset is iterated, and not asked for samples by their index
    """

    number: int | None = None
    n: int | None = None
    iterable: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderTrained(Detail):
    """A DataLoader's batches are trained on: a backward begins after each of two that follow one another.

    loader: its number in its process
    """

    loader: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimizer(Detail):
    """An optimizer takes its first step.

    call: its class
    """

    call: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Census(Detail):
    """What the objects that hold state hold as an optimizer step begins; `samebits resume` asks for it.

    Kept is what has changed since the census before.

    named: objects met for the first time, as "number kind path"
    states: as "number value": a digest of 16 hexadecimal digits, or a plain value behind "="
    gone: numbers of objects that were there in the census before
    ms: how long it took
    """

    named: Sequence[str] | None = None
    states: Sequence[str] | None = None
    gone: Sequence[str] | None = None
    ms: Scalar | None = None


#: The state that gradients are, by kind and path, which a step gathers from several batches.
GRADIENTS: Final = ("gradients", "of a step that had begun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint(Detail):
    """A checkpoint is saved or loaded, by user code or at a line of it by a library.

    action: "begin", "save" (it is written), "begin load", "load", or "restore": of a generator, named by path
    call: the function
    digest: of the file's content, as 32 hexadecimal digits
    values: digest of what is saved or loaded, where tensors are in it, as 16 hexadecimal digits; the file's
        content may be another, if it is written through gzip
    size: bytes
    keys: of a dict, and of the dicts in it, with dots; "step=8" of a number; at most 200
    holds: of a save, the states that are in it, as "path=key"
    by: the library's function that saves or loads, if a library does
    """

    action: str | None = None
    call: str | None = None
    path: str | None = None
    digest: str | None = None
    values: str | None = None
    size: Whole | None = None
    keys: Sequence[str] | None = None
    holds: Sequence[str] | None = None
    by: str | None = None
