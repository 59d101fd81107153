"""`sorted()` in a source, where it takes the place of a set or of an iterator and the program still runs.

`sorted` gives a list: nobody calls `next()` on one, and it has no `close()`.  It compares its elements: those
of several kinds, and objects of classes that define no order, cannot be.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from samebits.causes._edits import Draft, UnclearPlace
from samebits.source.module import last_name
from samebits.source.orderings import ANY_ORDER, DRAWN_FROM, PASSES, PASSING, UPDATES

#: Listings that are lists; the others are iterators.
_LISTS: Final = frozenset({"os.listdir", "posix.listdir", "glob.glob", "tensorflow.io.gfile.listdir"})
#: Methods and attributes of iterators that no list has.
_OF_ITERATORS: Final = frozenset({"close", "send", "throw", "gi_frame", "gi_running", "__next__"})
_OF_LISTS: Final = frozenset(
    {"append", "extend", "insert", "remove", "sort", "reverse", "index", "count", "pop"}
)
#: Methods that change how many elements a list, a dict or a set has.
CHANGES: Final = frozenset(
    {
        "append",
        "extend",
        "insert",
        "remove",
        "pop",
        "popitem",
        "clear",
        "add",
        "discard",
        "update",
        "setdefault",
    }
)
_TAKERS: Final = frozenset({"extend", "join", "writelines"}) | UPDATES
_LOOPS: Final = (ast.For, ast.AsyncFor, ast.While, ast.comprehension)
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
#: Bases of classes whose instances have an order.
_ORDERED: Final = frozenset(
    {"str", "int", "float", "bytes", "tuple", "typing.NamedTuple", "collections.namedtuple"}
)
_COMPARES: Final = frozenset({"__lt__", "__gt__"})


# -- iterators


def sort_iterable(draft: Draft, call: ast.Call, key: str = "") -> None:
    """Take what a listing gives in sorted order: a list for a list, an iterator where it is used as one."""
    above = draft.names.parent(call)
    after = f", key={key})" if key else ")"
    if isinstance(above, ast.Call) and draft.names.called(above) == "list" and above.args == [call]:
        draft.rename(above, "sorted")
        if key:
            draft.keyword(above, "key", key)
    elif draft.names.called(call) in _LISTS or is_taken_whole(draft, call):
        draft.wrap(call, "sorted(", after)
    else:
        _stays_iterator(draft, call)
        draft.wrap(call, "iter(sorted(", f"{after})")


def is_taken_whole(draft: Draft, node: ast.expr) -> bool:
    """Whether it is all the same that an expression gives a list, and no iterator."""
    return _is_taken_at_once(draft, node) or _is_one_loop(draft, node)


def _is_taken_at_once(draft: Draft, node: ast.expr) -> bool:
    """Whether what stands around an iterator takes it as any other iterable."""
    match draft.names.parent(node):
        case ast.For(iter=taken) | ast.AsyncFor(iter=taken) | ast.comprehension(iter=taken):
            return taken is node
        case ast.Starred() | ast.YieldFrom():
            return True
        case ast.Call() as call if node in call.args:
            return _takes_any(draft, call)
        case _:
            return False


def _takes_any(draft: Draft, call: ast.Call) -> bool:
    """Whether a call takes a list as it takes any other iterable."""
    name, last = draft.names.called(call), last_name(call.func)
    if name in ("next", "isinstance", "type", "len", "print", "repr", "str"):
        return name in ("len", "print", "repr", "str")
    known = name in PASSES or name in ANY_ORDER or (name or "").startswith(DRAWN_FROM)
    return known or last in PASSING or (isinstance(call.func, ast.Attribute) and last in _TAKERS)


def _held_in(draft: Draft, node: ast.expr) -> ast.expr | None:
    """The variable or attribute that gets a value."""
    above = draft.names.parent(node)
    if isinstance(above, ast.Assign) and len(above.targets) == 1:
        return above.targets[0]
    return above.target if isinstance(above, ast.AnnAssign | ast.NamedExpr) else None


def _loads(draft: Draft, name: ast.Name) -> list[ast.Name]:
    home = draft.names.home(name)
    return [
        node
        for node in draft.names.nodes
        if isinstance(node, ast.Name)
        and node.id == name.id
        and isinstance(node.ctx, ast.Load)
        and draft.names.home(node) is home
    ]


def _is_one_loop(draft: Draft, call: ast.expr) -> bool:
    """Whether a variable is taken as a whole once, or is used as a list already."""
    held = _held_in(draft, call)
    if not isinstance(held, ast.Name) or isinstance(draft.names.parent(call), ast.NamedExpr):
        return False
    loads = _loads(draft, held)
    if any(_is_list(draft, load) for load in loads):
        return True
    return (
        len(loads) == 1
        and _is_taken_at_once(draft, loads[0])
        and _around(draft, loads[0]) == _around(draft, held)
    )


def _around(draft: Draft, node: ast.expr) -> list[ast.AST]:
    """The loops and functions around a node, without a loop that takes it."""
    found: list[ast.AST] = []
    below: ast.AST = node
    for above in draft.names.parents(node):
        if isinstance(above, (*_LOOPS, *_FUNCTIONS)) and getattr(above, "iter", None) is not below:
            found.append(above)
        below = above
    return found


def _is_list(draft: Draft, load: ast.expr) -> bool:
    match draft.names.parent(load):
        case ast.Subscript(value=value) if value is load:
            return True
        case ast.Attribute(attr=attr):
            return attr in _OF_LISTS
        case ast.Call() as call:
            return draft.names.called(call) in ("len", "reversed")
        case _:
            return False


def _stays_iterator(draft: Draft, call: ast.Call) -> None:
    """That nothing is asked of an iterator which `iter()` of a list does not have.

    Raises:
        UnclearPlace: it is closed, entered by `with`, or sent something.
    """
    above = draft.names.parent(call)
    held = _held_in(draft, call)
    name = last_name(held) if held is not None else ""
    if isinstance(above, ast.Return):
        name = getattr(draft.names.function(call), "name", "")
    scandir = last_name(call.func) == "scandir"
    if scandir and not isinstance(held, ast.Name) and not _is_next(draft, above):
        raise UnclearPlace("whoever gets it may close it")
    for node in draft.names.nodes:
        match node:
            case ast.Attribute(value=value, attr=attr) if attr in _OF_ITERATORS:
                value = value.func if isinstance(value, ast.Call) and value is not call else value
                if value is call or (name and last_name(value) == name):
                    raise UnclearPlace("it is used as a generator")
            case ast.withitem(context_expr=entered):
                inner = [entered, *(entered.args if isinstance(entered, ast.Call) else ())]
                if name and any(last_name(each) == name for each in inner):
                    raise UnclearPlace("it is entered by `with`")
            case _:
                pass


def _is_next(draft: Draft, above: ast.AST | None) -> bool:
    return isinstance(above, ast.Call) and draft.names.called(above) == "next"


# -- sets


def sort_set(draft: Draft, node: ast.expr, key: str = "") -> None:
    """Take the elements of a set in sorted order.

    Raises:
        UnclearPlace: they cannot be sorted, or who gets them may need a set.
    """
    key = key or _key(draft, node)
    above = draft.names.parent(node)
    if isinstance(above, ast.Attribute):
        raise UnclearPlace("a method of the set is called")
    if isinstance(above, ast.Call) and not _takes_any(draft, above):
        _takes_list(draft, above, node)
    if isinstance(above, ast.Call) and draft.names.called(above) == "list" and above.args == [node]:
        draft.rename(above, "sorted")
        if key:
            draft.keyword(above, "key", key)
    else:
        draft.wrap(node, "sorted(", f", key={key})" if key else ")")


def _takes_list(draft: Draft, call: ast.Call, node: ast.expr) -> None:
    """That a function of the file only goes through what it gets; of others it is taken for granted."""
    function = draft.names.definition(call.func) if isinstance(call.func, ast.Name) else None
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    parameters = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    place = call.args.index(node) if node in call.args else len(parameters)
    if place >= len(parameters) or any(isinstance(each, ast.Starred) for each in call.args):
        raise UnclearPlace("which parameter gets it is not plain")
    for load in draft.names.nodes:
        if (
            isinstance(load, ast.Name)
            and load.id == parameters[place]
            and draft.names.home(load) is function
            and not (_is_taken_at_once(draft, load) or isinstance(draft.names.parent(load), ast.Compare))
        ):
            raise UnclearPlace(f"{function.name}() may need a set")


def take_smallest(draft: Draft, pop: ast.Call) -> None:
    """`x = names.pop()` takes the smallest, and then removes it.

    Raises:
        UnclearPlace: where the element goes is not plain, or an empty set is expected.
    """
    assert isinstance(pop.func, ast.Attribute)
    held, above = pop.func.value, draft.names.parent(pop)
    if _key(draft, held):
        raise UnclearPlace("its elements are of several kinds")
    below: ast.AST = pop
    for one in draft.names.parents(pop):
        if isinstance(one, _FUNCTIONS):
            break
        if isinstance(one, ast.Try) and one.handlers and below in one.body:
            raise UnclearPlace("what is raised for an empty set is caught")
        below = one
    owner = draft.source(held)
    if not isinstance(held, ast.Name | ast.Attribute):
        draft.replace(pop, f"min({owner})")  # nobody else has this set
    elif isinstance(above, ast.Expr):
        draft.replace(pop, f"{owner}.remove(min({owner}))")
    elif (
        isinstance(above, ast.Assign)
        and len(above.targets) == 1
        and isinstance(target := above.targets[0], ast.Name)
        and not any(isinstance(each, ast.Name) and each.id == target.id for each in ast.walk(held))
    ):
        draft.after(above, f"{owner}.remove({target.id})")
        draft.replace(pop, f"min({owner})")
    else:
        raise UnclearPlace("where the element goes is not plain")


def _key(draft: Draft, node: ast.expr) -> str:
    """The key to sort a set's elements by: none, or `repr` for literals of several kinds.

    Raises:
        UnclearPlace: they have no order, or not one that repeats.
    """
    kinds: set[str] = set()
    for element in _elements(draft, node, 0):
        kinds |= _kinds(draft, element)
    if "object" in kinds:
        raise UnclearPlace("its elements have no order")
    if (kinds - {"?"} and "None" in kinds) or len(kinds - {"?"}) > 1 or any("|" in kind for kind in kinds):
        if "?" in kinds:
            raise UnclearPlace("its elements may be of several kinds")
        return "repr"
    return ""


def _elements(draft: Draft, node: ast.expr, depth: int) -> Iterator[ast.expr]:
    """What a set is seen to be made of."""
    if depth > 4:
        return
    match node:
        case ast.Set(elts=elements) | ast.List(elts=elements) | ast.Tuple(elts=elements):
            yield from elements
        case ast.SetComp(elt=element) | ast.ListComp(elt=element) | ast.GeneratorExp(elt=element):
            yield element
        case ast.Call(func=ast.Name(), args=[inner]) if draft.names.called(node) in ("set", "frozenset"):
            yield from _elements(draft, inner, depth + 1)
        case ast.Call(func=ast.Attribute(value=inner, attr="copy")):
            yield from _elements(draft, inner, depth + 1)
        case ast.Call(func=ast.Attribute(value=inner, attr="union"), args=others):
            for each in (inner, *others):
                yield from _elements(draft, each, depth + 1)
        case ast.BinOp(left=left, op=op, right=right):
            yield from _elements(draft, left, depth + 1)
            if isinstance(op, ast.BitOr | ast.BitXor):
                yield from _elements(draft, right, depth + 1)
        case ast.IfExp(body=body, orelse=other):
            yield from _elements(draft, body, depth + 1)
            yield from _elements(draft, other, depth + 1)
        case ast.Name():
            for value in draft.names.values(node) or ():
                yield from _elements(draft, value, depth + 1)
            for load in _loads(draft, node):
                yield from _added(draft, load, depth)
        case _:
            pass


def _added(draft: Draft, load: ast.Name, depth: int) -> Iterator[ast.expr]:
    """What is added to a set by name."""
    above = draft.names.parent(load)
    call = draft.names.parent(above) if isinstance(above, ast.Attribute) else None
    if isinstance(above, ast.Attribute) and isinstance(call, ast.Call) and call.func is above:
        if above.attr == "add":
            yield from call.args
        elif above.attr == "update":
            for each in call.args:
                yield from _elements(draft, each, depth + 1)


def _kinds(draft: Draft, node: ast.expr) -> set[str]:
    """The kinds that an element may be of: "text", "number", "None"; "object" has no order, "?" is any."""
    names = draft.names
    match node:
        case ast.Constant(value=None):
            return {"None"}
        case ast.Constant(value=bool() | int() | float()):
            return {"number"}
        case ast.Constant(value=str()) | ast.JoinedStr():
            return {"text"}
        case ast.Constant(value=bytes()):
            return {"bytes"}
        case ast.Constant() | ast.Lambda():
            return {"object"}
        case ast.UnaryOp(operand=inner):
            return _kinds(draft, inner)
        case ast.IfExp(body=body, orelse=other):
            return _kinds(draft, body) | _kinds(draft, other)
        case ast.Tuple(elts=elements):
            parts = [_kinds(draft, each) for each in elements]
            if any("object" in part for part in parts):
                return {"object"}
            if any("?" in part for part in parts):
                return {"?", *({"None"} if any("None" in part and len(part) > 1 for part in parts) else ())}
            return {" ".join("|".join(sorted(part)) for part in parts)}
        case ast.Call(func=ast.Attribute(attr="get"), args=[_], keywords=[]):
            return {"None", "?"}
        case ast.Call(args=[_, _, ast.Constant(value=None)]) if names.called(node) == "getattr":
            return {"None", "?"}
        case ast.Call() if names.called(node) in ("frozenset", "type", "complex", "object", "slice"):
            return {"object"}
        case ast.Call() if names.called(node) in ("str", "repr"):
            return {"text"}
        case ast.Call(func=ast.Name() as function) if not _has_order(draft, function):
            return {"object"}
        case ast.Attribute(value=ast.Name() as owner) if not _has_order(draft, owner, member=True):
            return {"object"}
        case ast.Name() if isinstance(names.definition(node), ast.ClassDef | ast.FunctionDef):
            return {"object"}
        case _:
            return {"?"}


def _has_order(draft: Draft, name: ast.Name, member: bool = False) -> bool:
    """Whether instances of a class of the file, or the members of an enumeration, may be compared by `<`."""
    made = draft.names.definition(name)
    if not isinstance(made, ast.ClassDef):
        return True
    bases = [draft.names.qualified(base) for base in made.bases]
    if member:
        return not any(base in ("enum.Enum", "enum.Flag") for base in bases)
    for decorator in made.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        full = draft.names.qualified(decorator if call is None else call.func)
        if full == "functools.total_ordering" or full is None:
            return True
        if full == "dataclasses.dataclass":
            return call is not None and any(given.arg == "order" for given in call.keywords)
    if any(isinstance(one, ast.FunctionDef) and one.name in _COMPARES for one in made.body):
        return True
    return any(base != "object" for base in bases)
