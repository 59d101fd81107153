"""What is noted of a call that takes things in an order: of a set, of sorting by address, of a directory."""

from __future__ import annotations

import builtins
import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from samebits.model import facts
from samebits.usercode import made_sets
from samebits.usercode.content import (
    ADDRESS,
    BY,
    HASH,
    Sequence,
    arrangement,
    canonical,
    nature,
)
from samebits.usercode.watched import Call, Moment, path_of

_POPPED_OF: Final = 2000  # a larger set is not looked through for each element that is taken from it


def popped(call: Call) -> None:
    left = call.owner
    many = len(left) > _POPPED_OF
    found = arrangement([call.result] if many else [call.result, *left], len(left) + 1)
    found["order"] = arrangement([call.result], 1)["order"]
    if many:
        found["content"] = None
    call.emit(facts.Iteration(what="pop", made=made_sets.place(left), **found))


def with_keys(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Remember the keys a set is sorted by: where two are equal, the set's order shows."""
    key = kwargs.get("key")
    if key is None or not args or type(args[0]) not in (set, frozenset):
        return kwargs, None
    keys: list[Any] = []

    def remembering(item: Any) -> Any:
        value = key(item)
        keys.append(value)
        return value

    return {**kwargs, "key": remembering}, (key, keys)


def list_sorted(call: Call) -> None:
    key = call.kwargs.get("key") if call.token is None else call.token[0]
    ordered = call.owner if call.result is None else call.result
    if key is builtins.id or key is builtins.hash:
        by = ADDRESS if key is builtins.id else max((nature(item) for item in ordered[:64]), default=HASH)
        order = arrangement(ordered, len(ordered))["order"]
        call.emit(facts.Sort(call=call.call, by=BY[by], order=order))


def picked_by(call: Call) -> None:
    """`sorted`, `min` and `max` of a set with a key: an `iteration` fact only if the set's order decided."""
    if call.token is None or type(call.token[1]) is not list:
        return
    keys = [canonical(key) for key in call.token[1]]
    if call.call == "sorted":
        tied = len(set(keys)) < len(keys)
    else:
        best = (max if call.call == "max" else min)(call.token[1])
        tied = keys.count(canonical(best)) > 1
    if tied:
        items = call.args[0]
        made = made_sets.place(items)
        call.emit(facts.Iteration(what=call.call, made=made, **arrangement(items, len(items))))


def sorted_by(call: Call) -> None:
    list_sorted(call)
    if call.token is not None and call.token[0] not in (builtins.id, builtins.hash):
        picked_by(call)


def _listed(call: Call, path: Any, names: Iterable[Any]) -> None:
    seen = Sequence()
    for name in names:
        seen.add(name)
    _listing(call, path, seen)


def _listing(call: Call, path: Any, seen: Sequence, since: Moment | None = None) -> None:
    order = seen.content if call.sorted else seen.order
    detail = facts.Listing(call=call.call, path=path_of(path), order=order, content=seen.content, n=seen.n)
    call.emit(detail, since)


def listdir(call: Call) -> None:
    _listed(call, call.argument(0, "path", "."), call.result)


def scandir(call: Call) -> None:
    """Lists the directory a second time, in the same order, and leaves the user's iterator alone."""
    path = call.argument(0, "path", ".")
    if not isinstance(path, int):
        _listed(call, path, os.listdir(path))


def iterdir(call: Call) -> None:
    _listed(call, call.owner, os.listdir(call.owner))


def globbed(call: Call) -> None:
    path = call.argument(0, "pathname", "")
    if (root := path_of(call.kwargs.get("root_dir"))) is not None:
        path = os.path.join(root, os.fsdecode(path))
    if isinstance(call.result, list):
        _listed(call, path, call.result)
    else:
        _matching(call, path)


def _matching(call: Call, path: Any) -> None:
    """An iterator over names: its whole order is asked for at once, where that is soon told."""
    if "**" not in str(path_of(path)) and "rglob" not in call.call:
        with suppress(Exception):
            _listed(call, path, call.function(*call.args, **call.kwargs))
            return
    call.result = _passing(call, path, call.result)


def walk(call: Call) -> None:
    top = call.argument(0, "top", ".")
    call.result = _passing(call, top, _walking(call, top, call.result))


def _walking(call: Call, top: Any, items: Iterator[Any]) -> Generator[Any]:
    """The same items; the folders of the first, as the program leaves them, are the order of the others."""
    folders: list[Any] | None = None
    for item in items:
        if folders is None:
            folders = item[1]
            yield item
            with suppress(Exception):
                if len(folders) > 1 and call.argument(1, "topdown", True):
                    _listed(call, top, folders)
        else:
            yield item


def path_glob(call: Call) -> None:
    path = os.path.join(call.owner, str(call.args[0])) if call.args else call.owner
    _matching(call, path)


def _passing(call: Call, path: Any, items: Iterator[Any]) -> Generator[Any]:
    """The same items, noted as they pass; the fact is complete when they end, and of when they began."""
    seen, began = Sequence(), call.emit.now()
    try:
        for item in items:
            seen.add(item)
            yield item
    finally:
        try:
            _listing(call, path, seen, began)
        except Exception:
            pass
