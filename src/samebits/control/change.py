"""One thing that is changed of how a program runs, so that one sees whether it reaches the results.

The kinds are the files of `control/changes/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

#: What is right where it is changed: weights of other values; the same bits; the same but for rounding; and
#: "may": either is right, and shows how a program is made.
Should = Literal["must", "must not", "rounding", "may"]


def _no_variables(variables: Mapping[str, str]) -> Mapping[str, str]:
    return {}


def _same_words(words: Sequence[str]) -> Sequence[str]:
    return words


@dataclass(frozen=True, slots=True)
class Change:
    """One change, in the started process, before it is started, or both.

    Attributes:
        name: one word with dashes, as the command line takes it.
        what: what is changed, in a few words.
        should: whether it should reach the weights.
        why: what it means where it does and should not, and what to do, in a sentence.
        variables: given the variables that the program would get, those to set.
        install: called in each process of the program before its first line; returns what undoes it.
        mends: it makes programs repeat and is for `cure`, not for `stress`.
        words: given the program's own words, those to start it with.
        cause: what of the catalogue of causes a comparison should see where it reaches the weights.
        tells: it says where it was made (`control.told`); where it said nothing, there was nothing to change.
    """

    name: str
    what: str
    should: Should = "must not"
    why: str = ""
    variables: Callable[[Mapping[str, str]], Mapping[str, str]] = _no_variables
    install: Callable[[], Callable[[], Any]] | None = None
    mends: bool = False
    words: Callable[[Sequence[str]], Sequence[str]] = _same_words
    tells: bool = False
    cause: str = ""
