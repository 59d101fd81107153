"""An order that repeats, in place of one that hashes, addresses or the system decide."""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import Final

from samebits.causes._edits import Draft, UnclearPlace
from samebits.causes._patch import Patch
from samebits.causes._sortfix import sort_set, take_smallest
from samebits.causes._trace import call_at, calls_at, facts_at, iterated, last_name, made, mentions
from samebits.model import calls
from samebits.model.sites import Site
from samebits.source.kinds import SET_METHODS

_BY_KEY: Final = frozenset({"sorted", "min", "max"})
_TAKERS: Final = calls.ORDERED | _BY_KEY
#: A method that changes a set -> the same for a dict that keeps the elements as its keys.
_OF_DICT: Final = {"add": "setdefault", "remove": "pop"}
_OF_SETS: Final = frozenset(
    {*SET_METHODS, "discard", "update", "pop", "intersection_update", "difference_update"}
)
_OPERATORS: Final = (ast.BitAnd, ast.BitOr, ast.Sub, ast.BitXor)


def is_set(node: ast.expr) -> bool:
    match node:
        case ast.Set() | ast.SetComp() | ast.BinOp(op=ast.BitAnd() | ast.BitOr() | ast.Sub() | ast.BitXor()):
            return True
        case ast.Call(func=ast.Attribute(attr=method)):
            return method in SET_METHODS - {"copy"}
        case ast.Call():
            return last_name(node) in ("set", "frozenset")
        case _:
            return False


def _sets(patch: Patch, draft: Draft, line: int, through: set[str]) -> list[ast.expr]:
    """The sets whose order a line takes; where none is known for one, the only name that may be."""
    candidates: list[ast.expr] = []
    for node in iterated(draft, line, _TAKERS):
        plain = isinstance(node, ast.List | ast.Tuple | ast.Dict | ast.ListComp | ast.DictComp | ast.Constant)
        passing = isinstance(node, ast.Call) and last_name(node) in _TAKERS | calls.NEVER_SET
        if not plain and not passing and not any(node is other for other in candidates):
            candidates.append(node)
    known = []
    for node in candidates:
        names: set[str] = set()
        makers = made(patch, draft, node, through=names)
        if makers and all(is_set(each) for _, each in makers):
            known.append(node)
            through |= names
    return known or (candidates if len(candidates) == 1 else [])


def sort_elements(patch: Patch, site: Site | None) -> None:
    """Take the elements of a set of texts in sorted order."""
    draft = patch.draft(site)
    assert site is not None
    if _key(draft, site.line, "hash", "str") or _pop(draft, site.line):
        return
    found = _sets(patch, draft, site.line, set())
    if not found:
        raise UnclearPlace("the set is not known")
    # Members of an Enum have no order of their own, but their texts do.
    key = "str" if any("Enum" in line for line in draft.lines) else ""
    for node in found:
        sort_set(draft, node, key)


def _key(draft: Draft, line: int, was: str, becomes: str) -> bool:
    """`key=hash` of a sort becomes a key that repeats."""
    done = False
    for call in calls_at(draft, line, {*_BY_KEY, "sort"}):
        for given in call.keywords:
            if given.arg == "key" and draft.names.qualified(given.value) == was:
                draft.replace(given.value, becomes)
                done = True
    return done


def _pop(draft: Draft, line: int) -> bool:
    """`name = names.pop()` takes the smallest, and then removes it."""
    for call in calls_at(draft, line, {"pop"}):
        if call.args or call.keywords or not isinstance(call.func, ast.Attribute):
            continue
        take_smallest(draft, call)
        return True
    return False


def keep_insertion(patch: Patch, site: Site | None) -> None:
    """Make the set of objects, where it is made, a dict: that keeps the order in which it was filled."""
    draft = patch.draft(site)
    assert site is not None
    table = draft.free("NUMBERS")
    if _key(draft, site.line, "id", f"lambda item: {table}.setdefault(id(item), (len({table}), item))[0]"):
        numbers(draft)
        return
    through: set[str] = set()
    # Where the set is made, what it is made of may be iterated over on the same line.
    for node in _filled(patch, draft, site.line, through) or _sets(patch, draft, site.line, through):
        for other, maker in made(patch, draft, node, through=through) or []:
            as_dict(other, maker)
    if not patch.changed:
        raise UnclearPlace("where the set is made is not known")
    for other in patch.every():
        use_dict(other, through)


def _filled(patch: Patch, draft: Draft, line: int, through: set[str]) -> list[ast.expr]:
    """What is made a set on a line, by the name that it gets: all that makes it is found by that name."""
    for node in draft.at(line):
        above = draft.names.parent(node)
        if not isinstance(node, ast.expr) or not is_set(node):
            continue
        if isinstance(above, ast.Assign | ast.AnnAssign):
            target = above.targets[0] if isinstance(above, ast.Assign) else above.target
            return [target] if isinstance(target, ast.Name | ast.Attribute) else []
        if isinstance(above, ast.DictComp) and node is above.value:
            # A set for each key: they are used by the name of the dict that holds them.
            holder = draft.names.parent(above)
            if isinstance(holder, ast.Assign):
                through.update(f"{last_name(target)}[]" for target in holder.targets)
        if isinstance(above, ast.Return):
            for other, call, _ in mentions(patch, getattr(draft.names.function(node), "name", "")):
                holder = other.names.parent(other.names.parent(call) or call)
                if isinstance(holder, ast.Assign):
                    through.update(map(last_name, holder.targets))
        return [node]
    return []


def as_dict(draft: Draft, node: ast.expr) -> None:
    above = draft.names.parent(node)
    value = isinstance(above, ast.DictComp) and node is above.value
    if isinstance(above, ast.BinOp | ast.Compare | ast.Dict | ast.DictComp | ast.ListComp) and not value:
        raise UnclearPlace("it is used as a set")
    if isinstance(node, ast.SetComp):
        draft.replace(node, f"dict.fromkeys({draft.source(node)[1:-1].strip()})")
    elif isinstance(node, ast.Set):
        draft.replace(node, f"dict.fromkeys([{draft.source(node)[1:-1].strip()}])")
    elif isinstance(node, ast.Call) and draft.names.called(node) in ("set", "frozenset"):
        draft.rename(node, "dict.fromkeys" if node.args else "dict")
    elif isinstance(node, ast.BinOp):
        draft.replace(node, f"dict.fromkeys({_picked(draft, node)})")
    else:
        raise UnclearPlace("how the set is made is not plain")


def _picked(draft: Draft, node: ast.BinOp) -> str:
    """`set(rows) - left - out` as a generator of what is in it, in the order of the first set's elements."""
    conditions: list[str] = []
    each = draft.free("each")
    first: ast.expr = node
    while isinstance(first, ast.BinOp) and isinstance(first.op, ast.Sub | ast.BitAnd):
        word = "not in" if isinstance(first.op, ast.Sub) else "in"
        if not isinstance(first.right, ast.Name | ast.Attribute):
            raise UnclearPlace("a set that is made anew for each element")
        conditions.insert(0, f"{each} {word} {draft.source(first.right)}")
        first = first.left
    rows = first.args[0] if isinstance(first, ast.Call) and len(first.args) == 1 else None
    if rows is None or draft.names.called(first) not in ("set", "frozenset") or not conditions:
        raise UnclearPlace("how the set is made is not plain")
    return f"{each} for {each} in {draft.source(rows)} if {' and '.join(conditions)}"


def _held(owner: ast.expr) -> str:
    """The name of a set; of one that is held by a key ``name[]``."""
    return f"{last_name(owner.value)}[]" if isinstance(owner, ast.Subscript) else last_name(owner)


def _reached_by_keys(draft: Draft, names: Collection[str]) -> None:
    """Sets that a dict holds: they are found by their keys alone, so nothing else may change one."""
    holders = {name.removesuffix("[]") for name in names if name.endswith("[]")}
    changing = ("add", "discard", "remove", "intersection_update", "difference_update")
    used = [
        node.func
        for node in ast.walk(draft.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    if not any(last_name(of.value) in holders for of in used):
        return
    if any(last_name(of.value) in holders and of.attr in ("update", "setdefault") for of in used):
        raise UnclearPlace("sets that are made elsewhere are held, too")
    if any(of.attr in changing and _held(of.value) not in names for of in used):
        raise UnclearPlace("the sets are reached past their keys")


def use_dict(draft: Draft, names: Collection[str]) -> None:
    """What is done with a set that is a dict now."""
    _reached_by_keys(draft, names)
    for node in ast.walk(draft.tree):
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr=method)) if _held(owner) in names:
                if method in _OF_DICT:
                    draft.rename(node, _OF_DICT[method])
                elif method == "update" and len(node.args) == 1:
                    draft.wrap(node.args[0], "dict.fromkeys(", ")")
                elif method == "discard" and len(node.args) == 1:
                    draft.replace(node, f"{draft.source(owner)}.pop({draft.source(node.args[0])}, None)")
                elif method in _OF_SETS:
                    raise UnclearPlace("it is used as a set")
            case ast.BinOp(op=op, left=left, right=right) if isinstance(op, _OPERATORS):
                if last_name(left) in names or last_name(right) in names:
                    raise UnclearPlace("it is used as a set")
            case _:
                pass


def numbers(draft: Draft) -> str:
    """A table at the module level that numbers objects in the order in which they are first asked for."""
    name = draft.names_given.setdefault("NUMBERS", draft.free("NUMBERS"))
    draft.after_imports(
        f"{name} = {{}}  # object: its number, in the order in which they are first asked for"
    )
    return name


def number_objects(patch: Patch, site: Site | None) -> None:
    """`id(x)` or `hash(x)` of an object becomes the number of its first asking."""
    draft = patch.draft(site)
    call = call_at(draft, site, {"hash", "id"})
    if len(call.args) != 1 or draft.names.called(call) not in ("hash", "id"):
        raise UnclearPlace("another function of that name")
    if any("/" in fact.process for fact in facts_at(patch.evidence.a, site)):
        raise UnclearPlace("each process would number on its own")
    of, table = draft.source(call.args[0]), numbers(draft)
    if last_name(call) == "hash":
        draft.replace(call, f"{table}.setdefault({of}, len({table}))")
    else:  # the table keeps the object, so that no other gets its address
        draft.replace(call, f"{table}.setdefault(id({of}), (len({table}), {of}))[0]")


def digest_text(patch: Patch, site: Site | None, of: str) -> None:
    """`hash(text)` becomes a digest of the text."""
    draft = patch.draft(site)
    call = call_at(draft, site, {"hash"})
    if len(call.args) != 1 or draft.names.called(call) != "hash":
        raise UnclearPlace("another function of that name")
    argument = call.args[0]
    text = draft.source(argument)
    plain = isinstance(
        argument, ast.Name | ast.Attribute | ast.Call | ast.Constant | ast.Subscript | ast.JoinedStr
    )
    data = (
        text
        if of == "bytes"
        else f"{text if plain else f'({text})'}.encode()"
        if of == "str"
        else f"repr({text}).encode()"
    )
    hashlib = draft.module("hashlib", call.lineno)
    draft.replace(call, f'int.from_bytes({hashlib}.sha256({data}).digest()[:8], "little")')
