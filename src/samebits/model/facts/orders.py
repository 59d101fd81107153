"""Orders that nothing promises: of sets, of directories, of what ends first."""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass
from typing import Final

from samebits.model.facts.detail import Detail, Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Iteration(Detail):
    """User code iterates a set or frozenset, pops from one.

    by: "hash": str or bytes in it; "address": elements hashed by address; "value": ints and the like, stable
    order: digest
    content: digest regardless of order
    made: where the set was made, as "train.py:19", if the user's code made it
    """

    what: str | None = None
    by: str | None = None
    order: Whole | None = None
    content: Whole | None = None
    n: int | None = None
    made: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort(Detail):
    """User code sorts with a key of `id` or `hash`.

    by: "address", "hash"
    order: digest
    """

    call: str | None = None
    by: str | None = None
    order: Whole | None = None


_WILDCARD: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Detail):
    """A directory is listed: by user code, or at a line of it by a library.

    path: the directory, or a pattern of names
    order: digest
    content: digest regardless of order
    n: how many names
    by: the library's function that lists it, if a library does
    """

    call: str | None = None
    path: str | None = None
    order: Whole | None = None
    content: Whole | None = None
    n: int | None = None
    by: str | None = None

    @property
    def folder(self) -> str:
        """The directory; of a pattern what stands before its first wildcard."""
        path = self.path or "."
        wildcard = _WILDCARD.search(path)
        return os.path.normpath(os.path.dirname(path[: wildcard.start()]) if wildcard else path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion(Detail):
    """Results are taken in the order they finish: by user code, or at a line of it by a library.

    call: "as_completed", "imap_unordered", "wait", "Queue.get"
    order: digest of the order in submission numbers, if that was seen
    content: digest regardless of order
    by: the library's function that takes them, if a library does
    """

    call: str | None = None
    order: Whole | None = None
    content: Whole | None = None
    n: int | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread(Detail):
    """User code starts a thread, process or pool.

    n: how many
    """

    call: str | None = None
    n: int | None = None
