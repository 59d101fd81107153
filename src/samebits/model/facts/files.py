"""Files that a program reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from samebits.model.facts.detail import Detail, Scalar, Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class File(Detail):
    """A data file is opened for reading.

    size: bytes
    digest: of its content
    """

    path: str | None = None
    size: Whole | None = None
    digest: Scalar | None = None
    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Write(Detail):
    """A file is opened for writing."""

    path: str | None = None
    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load(Detail):
    """`torch.load`, `pickle.load`, `np.load`, `load_state_dict`.

    keys: of a dict, at most 50
    """

    call: str | None = None
    path: str | None = None
    keys: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Save(Detail):
    """`torch.save`, `np.save`."""

    call: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe(Detail):
    """User code asks whether a path exists.

    value: whether it does
    """

    call: str | None = None
    path: str | None = None
    value: Scalar | None = None
