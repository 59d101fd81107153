"""What is to be changed in a program, as whoever starts it says.

The command line and the library make a `Control`; it goes to the started processes in their process key
(`process_key`), and each record keeps it beside its plan.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final

from samebits.errors import UsageError, UsageTypeError
from samebits.model.seed import checked_seed

#: What full control consists of, and what each part does.
PARTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "hash-seed": "the secret that orders sets of strings is fixed (PYTHONHASHSEED)",
        "python": "Python's generators are seeded",
        "numpy": "numpy's generators are seeded",
        "torch": "torch's generators are seeded",
        "libraries": "generators of other libraries are seeded as they are loaded",
        "clock-seeds": "seeds that are readings of a clock, a pid or entropy are replaced",
        "loaders": "DataLoaders without a generator get one",
        "workers": "generator objects in a loader's workers get streams of their own",
        "results": "results of workers come in the order in which they were asked for",
        "memory": "memory that was never filled is zeros",
        "operations": "every operation is deterministic",
    }
)


@dataclass(frozen=True, slots=True)
class Control:
    """The seed of everything, deterministic operations, portable random numbers; or some parts of these.

    Without any of them, a program is run as it is.
    """

    seed: int | None = None  # seed everything before the script starts, and what it leaves unseeded
    deterministic: bool = False  # ask torch for deterministic algorithms before the script starts
    portable: bool = False  # samebits.portable: the same numbers and the same arithmetic everywhere
    only: tuple[str, ...] | None = None  # of `PARTS`; None: all that is asked for
    changes: tuple[str, ...] = ()  # of `control.changes`
    except_operations: tuple[
        str, ...
    ] = ()  # by the names of `samebits ops`: they stay as they are in PyTorch

    def __bool__(self) -> bool:
        return self.seed is not None or self.deterministic or self.portable or bool(self.changes)

    def has(self, part: str) -> bool:
        """Whether a part of full control is asked for."""
        if part == "operations":
            asked = self.deterministic
        elif part in ("hash-seed", "memory"):
            asked = self.seed is not None or self.deterministic
        else:
            asked = self.seed is not None
        return asked and (self.only is None or part in self.only)

    @classmethod
    def of(cls, parts: Collection[str], seed: int = 0, changes: Collection[str] = ()) -> Control:
        """These parts alone.

        Raises:
            UsageError: one that there is not.
        """
        for part in parts:
            if part not in PARTS:
                raise UsageError(f"there is no part {part!r} of control; there are {', '.join(PARTS)}.")
        if not parts:
            return cls(changes=tuple(changes))
        ordered = tuple(part for part in PARTS if part in parts)
        return cls(seed, "operations" in parts, only=ordered, changes=tuple(changes))

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
        data = asdict(self)
        if self.only is None:
            del data["only"]
        if not self.changes:
            del data["changes"]
        if not self.except_operations:
            del data["except_operations"]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Control:
        """The control among the fields of an object that may have others."""
        only = data.get("only")
        return cls(
            data.get("seed"),
            data.get("deterministic", False),
            data.get("portable", False),
            None if only is None else tuple(only),
            tuple(data.get("changes", ())),
            tuple(data.get("except_operations", ())),
        )
