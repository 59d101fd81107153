"""What every kind of fact has, and how a record gives one back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final, Generic, TypeVar

from samebits.model.sites import Site

#: At least 0, and less than 2**63.
Count = Annotated[int, "count"]
#: A digest of 64 bits, a seed of 128.
Whole = Annotated[int, "whole"]
#: A number, also an infinite one, a switch, or a text.
Scalar = Annotated[int | float | str | bool, "scalar"]

_kinds: dict[str, type[Detail]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What a fact tells besides its place.  A subclass is a kind of fact, named for its class."""

    KIND: ClassVar[str] = ""
    count: Count | None = None  # the row stands for so many

    def __init_subclass__(cls) -> None:
        if cls.__name__ != "Unknown":
            cls.KIND = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
            _kinds[cls.KIND] = cls  # twice: `slots` makes the class anew, and that one counts

    @property
    def kind(self) -> str:
        """As a record names it."""
        return self.KIND

    def as_json(self) -> dict[str, Any]:
        """The fields that are there."""
        values = {name: getattr(self, name) for name in names(type(self))}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Detail):
    """A kind that this version does not know: kept, and passed over by every cause."""

    name: str
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def kind(self) -> str:
        return self.name

    def as_json(self) -> dict[str, Any]:
        return dict(self.values)


#: Kind, as a record names it -> its class, in the order of docs/reference/facts.md.
KINDS: Final[Mapping[str, type[Detail]]] = MappingProxyType(_kinds)

D = TypeVar("D", bound=Detail, covariant=True)


@dataclass(frozen=True, slots=True)
class Fact(Generic[D]):
    """One piece of evidence from one process of one run."""

    detail: D
    site: Site | None
    at: int  # how many events the process's main thread had recorded before it
    step: int
    process: str = "main"  # process key: "main", "rank1", "rank0/Process-2" ...

    @property
    def kind(self) -> str:
        return self.detail.kind


def names(kind: type[Detail]) -> tuple[str, ...]:
    """The fields of a kind, in the order in which a record has them: ``count`` is last."""
    return tuple(sorted((one.name for one in fields(kind)), key="count".__eq__))


def made(kind: str, values: Mapping[str, Any]) -> Detail:
    """The detail of a kind from what a record says; fields that the kind does not have are passed over."""
    found = KINDS.get(kind)
    if found is None:
        return Unknown(name=kind, values=values)
    return found(**{name: values[name] for name in names(found) if name in values})
