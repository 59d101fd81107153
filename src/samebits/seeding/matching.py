"""Which generator of this process is which of a captured state: by all the names of both.

A name is a path (``main.loader.generator``) or a mere variable (``main.g``).  A
variable may hold another generator when the state is restored: one that a loop
runs through, two that were exchanged.  So paths decide first, and variables only
between those that no path speaks for, or against.  A pair is made only where
neither of the two could be another's; for the others the names that clash are
told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from samebits.seeding.registry import SECTIONS, NamedGenerator

Entry = Mapping[str, Any]


@dataclass(slots=True)
class Matching:
    """What fits what."""

    pairs: list[tuple[NamedGenerator, Entry]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # names only in the state
    extra: list[NamedGenerator] = field(default_factory=list)  # only here
    clashes: list[str] = field(default_factory=list)  # sentences about some of both

    def leave(self, is_left: Callable[[NamedGenerator], bool]) -> None:
        """Take for missing what would be set in these."""
        self.missing += [generator.name for generator, _ in self.pairs if is_left(generator)]
        self.pairs = [pair for pair in self.pairs if not is_left(pair[0])]


@dataclass(slots=True, eq=False)
class _Side:
    """A generator of the state's or of the process's, while it is looked for its other."""

    what: Any
    paths: frozenset[str]
    variables: frozenset[str]
    name: str


def matched(state: Mapping[str, Any], present: list[NamedGenerator], by_ending: bool = False) -> Matching:
    """What of `state` fits what of `present`.

    Args:
        by_ending: names here are from owners, those of the state from variables: ``loader.generator`` fits
            ``__main__.main.loader.generator``.
    """
    result = Matching()
    for section in SECTIONS:
        saved = [
            _side(entry, (name, *entry["aliases"]), entry.get("variables", ()))
            for name, entry in state[section].items()
        ]
        here = [_side(one, one.names, one.variables) for one in present if one.section == section]
        if by_ending and section == "found":
            _pair(saved, here, _ends_alike, result)
        else:
            _pair(saved, here, lambda one, other: bool(one.paths & other.paths), result)
            _pair(saved, here, _one_variable, result)
        result.missing += [one.name for one in saved]
        result.extra += [one.what for one in here]
        result.clashes += _contradictions(saved, here)
    return result


def _side(what: Any, names: tuple[str, ...], variables: Any) -> _Side:
    return _Side(what, frozenset(names) - frozenset(variables), frozenset(variables), names[0])


def _one_variable(one: _Side, other: _Side) -> bool:
    return bool(one.variables & other.variables) and not (one.paths and other.paths)


def _ends_alike(one: _Side, other: _Side) -> bool:
    names = one.paths | one.variables
    return any(name == end or name.endswith(f".{end}") for end in other.paths for name in names)


def _pair(
    saved: list[_Side], here: list[_Side], fits: Callable[[_Side, _Side], bool], result: Matching
) -> None:
    """Take from both lists the pairs that fit only each other, and those that clash."""
    of_saved = [(one, [other for other in here if fits(one, other)]) for one in saved]
    of_here = [(other, [one for one in saved if fits(one, other)]) for other in here]
    single = {id(other) for other, ones in of_here if len(ones) == 1}
    for one, others in of_saved:
        if len(others) == 1 and id(others[0]) in single:
            result.pairs.append((others[0].what, one.what))
        elif others:
            result.missing.append(one.name)
        if len(others) > 1:
            result.clashes.append(f"the state's {one.name} may be {_either(others)} here")
    paired = {id(generator) for generator, _ in result.pairs}
    for other, ones in of_here:
        if ones and id(other.what) not in paired:
            result.extra.append(other.what)
        if len(ones) > 1:
            result.clashes.append(f"{other.name} here may be the state's {_either(ones)}")
    saved[:] = [one for one, others in of_saved if not others]
    here[:] = [other for other, ones in of_here if not ones]


def _either(sides: list[_Side]) -> str:
    return " or ".join(side.name for side in sides[:8])


def _contradictions(saved: list[_Side], here: list[_Side]) -> list[str]:
    """Of those without an other: variables that name one path in the state and another one here."""
    return [
        f"{min(one.variables & other.variables)} is {min(one.paths)} in the state and {min(other.paths)} here"
        for one in saved
        for other in here
        if one.variables & other.variables
    ]
