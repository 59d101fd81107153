"""Which fields the JSON objects of a record and of run.json have, and of which type each is.

A record may come from anyone.  So what is read out of it is checked here, once, against these tables, and
whatever uses it afterwards may rely on them.  A field may be absent, and one that is not in a table may be
anything: a newer samebits adds fields, and a reader that does not know one does not look at it.

The checks of facts follow the classes of `samebits.model.facts`, the tables docs/reference/format.md.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import NoneType
from typing import Any, Final, get_args, get_type_hints

from samebits.model import facts

#: Deeper than any object that samebits writes, and far less deep than what Python can walk through.
DEPTH: Final = 32

#: A seed has up to 128 bits, and what a script seeds with may be negative.
_WIDEST: Final = 1 << 128

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _whole(value: Any) -> bool:
    return type(value) is int and -_WIDEST < value < _WIDEST


def _integer(value: Any) -> bool:
    """A number of the program's own, which may be beyond 64 bits; Python cannot print one of 4,300 digits."""
    return isinstance(value, int) and value.bit_length() <= 4096


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _number(value: Any) -> bool:
    return _whole(value) or (isinstance(value, float) and math.isfinite(value))


def _scalar(value: Any) -> bool:
    """A number (also an infinite one), a switch, a text: what a fact's value may be."""
    return value is None or isinstance(value, (bool, str, float)) or _integer(value)


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _maybe(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _list(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_count, value))


def _fields(table: Mapping[str, Check]) -> Check:
    return lambda value: isinstance(value, dict) and wrong(value, table) is None


_BY_TYPE: Final[Mapping[Any, Check]] = {
    str: _text,
    bool: _flag,
    int: _integer,
    facts.Count: _count,
    facts.Whole: _whole,
    facts.Scalar: _scalar,
    Sequence[str]: _list(_text),
}


@cache
def of_fact(kind: str) -> Mapping[str, Check]:
    """The checks of a kind of fact, made of the types in `samebits.model.facts`; none of an unknown kind."""
    found = facts.KINDS.get(kind)
    hints = get_type_hints(found, include_extras=True) if found is not None else {}
    return {name: _of_type(hints[name]) for name in facts.names(found)} if found is not None else {}


def _of_type(hint: Any) -> Check:
    """The check of ``hint``, which has the form ``type | None``."""
    (one,) = (part for part in get_args(hint) if part is not NoneType)
    return _maybe(_BY_TYPE[one])


NOTES: Final[Mapping[str, Check]] = {
    "exception": _fields({"message": _text, "type": _text}),
    "exec": _flag,
    "gradients_together": _flag,
    "handed": _flag,
    "incomplete": _maybe(_text),
    "left_out": lambda value: _text(value) or _list(_text)(value),
    "manifest": _object,
    "observer": _text,
    "schedule": _maybe(_list(_pair)),
    "step_seconds": _list(_number),
    "vocabulary": _count,
    "work": _maybe(_text),
}
PLAN: Final[Mapping[str, Check]] = {
    "capture_bytes": _count,
    "census": _flag,
    "changes": _list(_text),
    "deterministic": _flag,
    "portable": _flag,
    "folder": _text,
    "level": _text,
    "only": _list(_text),
    "schedule": _maybe(
        lambda value: isinstance(value, dict) and all(_list(_pair)(v) for v in value.values())
    ),
    "seed": _maybe(_whole),
    "steps": _maybe(_whole),
    "zoom": _maybe(_pair),
}
RUN: Final[Mapping[str, Check]] = {
    "argv": _list(_text),
    "created": _text,
    "cwd": _text,
    "exit_code": _maybe(_whole),
    "git": _maybe(_object),
    "id": _text,
    "kind": _text,
    "level": _maybe(_text),
    "reason": _maybe(_text),
    "records": _list(_fields({"bytes": _count, "file": _text, "log": _count})),
    "seconds": _maybe(_number),
    "status": _text,
    "unattached": _list(_fields({"command": _list(_text), "why": _text})),
    "verify": _maybe(_text),
    "zoom": _maybe(_pair),
}


def wrong(value: Mapping[str, Any], table: Mapping[str, Check]) -> str | None:
    """The first field that is not what its table says, or None."""
    return next((name for name, check in table.items() if name in value and not check(value[name])), None)


def parsed(text: str | bytes) -> Any:
    """What a JSON text says.  Raises ValueError: it is none, names a field twice, is nested too deep."""
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    level = [value]
    for _ in range(DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return value
    raise ValueError("it is nested too deep")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("it names a field twice")
    return made


def _inside(value: Any) -> list[Any]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [inner for inner in inside if isinstance(inner, (dict, list))]
