"""What a scope of the mode asks for: parsed from arguments into one immutable value.

Nothing here touches torch, so that a wrong argument is refused before anything has changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from samebits.errors import UsageError, UsageTypeError
from samebits.model.operators import OPERATIONS, Operation, has_other_name, meant, table_name

Level = Literal["strict", "warn"]
Replace = Literal["needed", "all", "none"]
Attention = Literal["math", "flash", "mem_efficient", "cudnn"]

#: Sums depend on the number of threads, so one above this machine's cores may be meant: another's.  No
#: machine has more than this, and OpenMP aborts the process where it cannot make them.
MOST_THREADS: Final = 4096


@dataclass(frozen=True, slots=True)
class Settings:
    """See `deterministic` for what each means; None leaves a setting of torch's as it is."""

    level: Level = "strict"
    except_: frozenset[str] = frozenset()
    replace: Replace = "needed"
    full_precision: bool = False
    attention: Attention | None = None
    fill_uninitialized_memory: bool | None = None
    threads: int | None = None
    pinned: bool = False

    def rows(self, device: str, release: str) -> tuple[Operation, ...]:
        """The operations to replace on a device, under a release of torch."""
        if self.replace == "none":
            return ()
        return tuple(row for row in OPERATIONS if self.replace == "all" or row.needed(device, release))


def _threads(given: object) -> int:
    if isinstance(given, bool) or not hasattr(given, "__index__"):
        raise UsageTypeError(
            f"deterministic: threads is {given!r}; expected a whole number of 1 .. {MOST_THREADS}."
        )
    if not 1 <= (number := given.__index__()) <= MOST_THREADS:
        raise UsageError(
            f"deterministic: threads is {given!r}; expected a whole number of 1 .. {MOST_THREADS}. More "
            "threads than cores are slower, never faster."
        )
    return int(number)


def settled(given: dict[str, Any], outer: Settings) -> Settings:
    """The settings of a scope inside `outer`: what is not given (None) is as outside.

    Raises:
        UsageError, TypeError: an argument that cannot be meant.
    """
    values = {name: getattr(outer, name) for name in Settings.__dataclass_fields__}
    values |= {name: value for name, value in given.items() if value is not None}
    _one_of("level", values["level"], get_args(Level))
    _one_of("replace", values["replace"], get_args(Replace))
    if values["attention"] is not None:
        _one_of("attention", values["attention"], get_args(Attention))
    for name in ("full_precision", "pinned", "fill_uninitialized_memory"):
        if values[name] is not None and not isinstance(values[name], bool):
            raise UsageTypeError(f"deterministic: {name} is {values[name]!r}; expected True or False.")
    threads = values["threads"]
    if threads is not None:
        values["threads"] = _threads(threads)
    values["except_"] = _operations(values["except_"])
    return Settings(**values)


def _one_of(name: str, value: object, choices: Collection[str]) -> None:
    if value not in choices:
        expected = ", ".join(map(repr, choices))
        raise UsageError(f"deterministic: {name} is {value!r}; expected one of {expected}.")


def _operations(words: Iterable[str]) -> frozenset[str]:
    if isinstance(words, str) or not isinstance(words, Iterable):
        raise UsageTypeError(
            f"deterministic: except_ is {words!r}; expected a list: except_=['grid_sample']."
        )
    names = set()
    for word in words:
        name = table_name(word) if isinstance(word, str) else None
        if name is None:
            raise UsageError(
                f"deterministic: no operation is called {word!r}, as in except_; {meant(str(word))}"
            )
        if has_other_name(word):  # its exception would be wider than it says
            raise UsageError(
                f"deterministic: except_=[{name!r}] leaves alone what {word!r} runs, and whatever else runs "
                "it; write that to say so."
            )
        names.add(name)
    return frozenset(names)
