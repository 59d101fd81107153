"""Listings of folders in a source: the calls that give one, and what becomes of its order."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from samebits.causes._edits import Draft, UnclearPlace
from samebits.causes._nodes import call_of, named_calls
from samebits.causes._sortfix import sort_iterable
from samebits.source.module import Module, is_constant, keyword, last_name
from samebits.source.order import Orders, Use
from samebits.source.orderings import PASSING
from samebits.source.project import is_test

WALKS: Final = frozenset({"walk", "fwalk"})
LISTS: Final = frozenset({"listdir", "scandir", "glob", "iglob", "rglob", "iterdir", *WALKS})
_FUNCTIONS: Final = frozenset(
    {"os.listdir", "os.scandir", "os.walk", "os.fwalk", "glob.glob", "glob.iglob", "posix.listdir"}
    | {"blobfile.listdir", "blobfile.glob", "tensorflow.io.gfile.listdir", "scandir.scandir", "scandir.walk"}
)
#: Methods of a `pathlib.Path`.
_METHODS: Final = frozenset({"iterdir", "glob", "rglob", "walk"})
#: What else has such methods, and gives its names sorted: file systems of fsspec, and the like.
_OTHERS: Final = ("fs", "filesystem", "gfile", "fsspec", "storage", "bucket", "client", "s3")


def listings(module: Module) -> Iterator[tuple[ast.Call, str]]:
    """Calls that list a folder, and what a reader calls each."""
    if is_test(module.file):
        return
    if not any(word in module.text for word in ("listdir", "scandir", "glob", "iterdir", "walk")):
        return
    for call, name, last in named_calls(module):
        if last not in LISTS:
            continue
        if name in _FUNCTIONS:
            yield call, f"{name}()"
        elif name is None and last in _METHODS and isinstance(call.func, ast.Attribute):
            owner = last_name(call.func.value).lower().lstrip("_")
            if not owner.endswith(_OTHERS) and (last != "walk" or _is_path(module, call.func.value)):
                yield call, f"Path.{last}()"
        elif name is not None and name.startswith("pathlib.") and last in _METHODS:
            yield call, f"Path.{last}()"


def _is_path(module: Module, node: ast.expr) -> bool:
    """Whether an expression is certainly a `pathlib.Path`."""
    if isinstance(node, ast.Call):
        return module.names.called(node) in ("pathlib.Path", "pathlib.Path.cwd", "pathlib.Path.home")
    if not isinstance(node, ast.Name):
        return False
    note = module.names.annotation(node)
    if note is not None and module.names.qualified(note) == "pathlib.Path":
        return True
    return any(
        isinstance(value, ast.Call) and _is_path(module, value) for value in module.names.values(node) or ()
    )


def kept(orders: Orders, call: ast.Call) -> Use | None:
    """What keeps the order of a listing."""
    names = orders.names
    above = names.parent(call)
    if isinstance(above, ast.withitem):
        return _entered(orders, above)
    if last_name(call.func) not in WALKS:
        return orders.use(call)
    in_order = isinstance(above, ast.Call) and names.called(above) == "sorted"
    if isinstance(above, ast.Call) and (in_order or last_name(above.func) in PASSING):
        above = names.parent(above)
    if isinstance(above, ast.For | ast.AsyncFor) and call in ast.walk(above.iter):
        return None if _is_sorted_walk(orders, above, call, in_order) else orders.kept_by(above)
    if isinstance(above, ast.Call) and names.called(above) == "next":
        return _first(orders, above)
    return orders.use(call)


def _entered(orders: Orders, item: ast.withitem) -> Use | None:
    """`with os.scandir(path) as entries:`."""
    target = item.optional_vars
    for load in orders.variables.loads(target) if isinstance(target, ast.Name) else ():
        if (use := orders.use(load)) is not None:
            return use
    return None


def _first(orders: Orders, taken: ast.Call) -> Use | None:
    """`next(os.walk(path))[2]` and `_, folders, files = next(os.walk(path))`."""
    above = orders.names.parent(taken)
    if isinstance(above, ast.Subscript):
        return None if is_constant(above.slice, 0) else orders.use(above)
    if isinstance(above, ast.Assign) and isinstance(above.targets[0], ast.Tuple):
        for target in above.targets[0].elts[1:]:
            if isinstance(target, ast.Name) and not orders.variables.is_sorted(target):
                for load in orders.variables.loads(target):
                    if (use := orders.use(load)) is not None:
                        return use
    return None


def _is_sorted_walk(orders: Orders, loop: ast.For | ast.AsyncFor, call: ast.Call, in_order: bool) -> bool:
    """Whether the folders are walked in their order, and the files of each are sorted where they are used."""
    target = loop.target
    if not isinstance(target, ast.Tuple) or len(target.elts) < 3:
        return False
    if is_constant(keyword(call, "topdown"), False) and not in_order:
        return False
    folders, files = target.elts[1], target.elts[2]
    if not isinstance(folders, ast.Name) or not isinstance(files, ast.Name):
        return False
    if not (in_order or orders.variables.is_sorted(folders) or _stays(orders, loop, folders)):
        return False
    if orders.variables.is_sorted(files):
        return True
    return all(orders.use(load) is None for load in orders.variables.loads(files))


def _stays(orders: Orders, loop: ast.For | ast.AsyncFor, folders: ast.Name) -> bool:
    """Whether the first folder is the only one that is looked into: the loop ends with `break`."""
    last = loop.body[-1]
    if isinstance(last, ast.Break | ast.Return):
        return all(orders.use(load) is None for load in orders.variables.loads(folders))
    return False


def sort_listing(draft: Draft, node: ast.AST) -> None:
    """Takes what a call lists in sorted order."""
    call = call_of(draft, node, LISTS)
    name, above = last_name(call.func), draft.names.parent(call)
    if name in WALKS:
        _sort_walk(draft, call)
    elif isinstance(above, ast.withitem) and isinstance(above.optional_vars, ast.Name):
        _sort_entries(draft, draft.names.parent(above), above.optional_vars.id)
    else:
        sort_iterable(draft, call, "lambda entry: entry.name" if name == "scandir" else "")


def _sort_entries(draft: Draft, block: ast.AST | None, name: str) -> None:
    """Sort where the entries of `with os.scandir(path) as entries:` are taken."""
    taken = [each for each in ast.walk(block) if isinstance(each, ast.Name)] if block is not None else []
    if sum(each.id == name and isinstance(each.ctx, ast.Load) for each in taken) != 1:
        raise UnclearPlace("the entries are taken in several places")
    for node in ast.walk(block) if block is not None else ():
        if (
            isinstance(node, ast.For | ast.comprehension)
            and isinstance(node.iter, ast.Name)
            and node.iter.id == name
        ):
            draft.wrap(node.iter, "sorted(", ", key=lambda entry: entry.name)")


def _sort_walk(draft: Draft, call: ast.Call) -> None:
    """Sort folders in place, so that they are walked in that order, and the files of each."""
    above = draft.names.parent(call)
    in_order = isinstance(above, ast.Call) and draft.names.called(above) == "sorted"
    if in_order and above is not None:
        above = draft.names.parent(above)
    if isinstance(above, ast.Call) and draft.names.called(above) == "next":
        _sort_first(draft, above)
        return
    target = getattr(above, "target", None)
    names = (
        [one.id for one in target.elts if isinstance(one, ast.Name)] if isinstance(target, ast.Tuple) else []
    )
    if len(names) < 3:
        raise UnclearPlace("what is done with the files is not known")
    if in_order and isinstance(above, ast.For):
        draft.inside(above, f"{names[2]}.sort()")
        return
    if isinstance(above, ast.For) and names[1] != names[2]:
        draft.inside(above, f"{names[1]}.sort()", f"{names[2]}.sort()")
        return
    draft.wrap(call, "sorted(", ")")
    for node in ast.walk(draft.names.parent(above) or call) if above is not None else ():
        if (
            isinstance(node, ast.comprehension)
            and isinstance(node.iter, ast.Name)
            and node.iter.id == names[2]
        ):
            draft.wrap(node.iter, "sorted(", ")")


def _sort_first(draft: Draft, taken: ast.Call) -> None:
    """`next(os.walk(path))[1]` is sorted, or the names that its parts get are."""
    match draft.names.parent(taken):
        case ast.Subscript() as part:
            draft.wrap(part, "sorted(", ")")
        case ast.Assign(targets=[ast.Tuple(elts=[_, *parts])]) as statement:
            names = [each.id for each in parts if isinstance(each, ast.Name) and each.id != "_"]
            draft.after(statement, *(f"{name}.sort()" for name in names))
        case _:
            raise UnclearPlace("what is done with the folder is not known")
