"""What is to be changed in a program, as whoever starts it says.

The command line and the library make a `Control`; it goes to the started processes in their process key
(`process_key`), and each record keeps it beside its plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from samebits.errors import UsageTypeError
from samebits.model.seed import checked_seed


@dataclass(frozen=True, slots=True)
class Control:
    """The seed of everything, deterministic operations, portable random numbers.

    Without any of them, a program is run as it is.
    """

    seed: int | None = None  # seed everything before the script starts, and what it leaves unseeded
    deterministic: bool = False  # ask torch for deterministic algorithms before the script starts
    portable: bool = False  # let torch draw the numbers of samebits.random, the same on every device

    def __bool__(self) -> bool:
        return self.seed is not None or self.deterministic or self.portable

    @classmethod
    def checked(cls, seed: int | None, deterministic: bool, portable: bool, caller: str) -> Control:
        """What a caller of the library asked for.

        Raises:
            UsageError, UsageTypeError: a seed that is none, or a switch that is no bool.
        """
        for name, given in (("deterministic", deterministic), ("portable", portable)):
            if not isinstance(given, bool):
                raise UsageTypeError(f"{caller}: {name} must be True or False, got {given!r}")
        return cls(None if seed is None else checked_seed(seed, caller), deterministic, portable)

    def as_json(self) -> dict[str, Any]:
        """Plain data, which `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Control:
        """The control among the fields of an object that may have others."""
        return cls(data.get("seed"), data.get("deterministic", False), data.get("portable", False))
