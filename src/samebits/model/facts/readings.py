"""What a program asks of the system and of its own settings."""

from __future__ import annotations

from dataclasses import dataclass

from samebits.model.facts.detail import Detail, Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock(Detail):
    """User code reads a clock, or a library that it calls.

    value: the reading
    by: the library's function that the user's line called, where that one did it
    """

    call: str | None = None
    value: Scalar | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entropy(Detail):
    """User code reads pid, uuid, urandom, secrets, SystemRandom, a random file name.

    value: a pid, or a digest
    """

    call: str | None = None
    value: Scalar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hash(Detail):
    """User code calls `hash()` or `id()`.

    of: "str", "bytes", "object", ...: what decides the value
    """

    call: str | None = None
    of: str | None = None
    value: Scalar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Detail):
    """A determinism or tuning flag is set.

    call: the function, or the flag that is assigned
    """

    call: str | None = None
    value: Scalar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable(Detail):
    """An environment variable is read: by user code, or at a line of it by a library.

    set: whether it is there
    value: of a small number or a switch ("16", "true") whose name is no secret's; no other is kept
    by: the library's function that reads it, if a library does
    """

    name: str | None = None
    set: bool | None = None
    value: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads(Detail):
    """`torch.set_num_threads`, `set_num_interop_threads`."""

    call: str | None = None
    value: Scalar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty(Detail):
    """User code calls `np.empty`, `np.empty_like`."""

    call: str | None = None
