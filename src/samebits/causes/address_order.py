"""An order that follows the addresses of objects: sets of objects, sorting by `id`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from samebits.causes._edits import Draft, UnclearPlace
from samebits.causes._evidence import FactPair, made_elsewhere, nearest, pairs, reach, spot, sure
from samebits.causes._instances import Instances, becomes_number
from samebits.causes._nodes import call_of
from samebits.causes._orderfix import keep_insertion, number_objects
from samebits.causes._patch import Patch, mends
from samebits.causes._seeds import differing_seed
from samebits.model.cause import Cause, Evidence
from samebits.model.facts import Hash, Iteration, Sort
from samebits.model.finding import Finding
from samebits.model.rule import Hit, Rule
from samebits.source.module import Module, keyword
from samebits.source.order import Orders, Use
from samebits.source.orderings import ANY_ORDER

_FIX = """\
layers = list(dict.fromkeys(layers))  # keeps each once, in the order given; a set does not"""

_FIX_KEY = """\
items.sort(key=lambda item: item.name)  # a key of what the items hold; an address says nothing"""
_FIX_NUMBER = """\
number = numbers.setdefault(item, len(numbers))  # counts them as they come; an address is new every time"""


def match(evidence: Evidence) -> Finding | None:
    found: list[FactPair[Iteration | Sort]] = pairs(evidence, Iteration, Sort)
    order = nearest(found, lambda p: p.differs(lambda d: d.order) and p.detail.by == "address")
    if order is not None and order.a is not None:
        made = made_elsewhere(order)
        there = f"; the set is made at {spot(made)}, where a list or a dict keeps the order" if made else ""
        return Finding(
            sure(evidence, order.a, 0.94),
            made or order.site,
            f"the order taken at {spot(order.site)} follows where objects lie in memory, which is new in "
            f"every process{there}.",
            _FIX,
            subject=order.a.detail,
        )
    number = nearest(
        pairs(evidence, Hash),
        lambda p: p.differs(lambda d: d.value) and str(p.detail.of) not in ("str", "bytes"),
    )
    if number is None or number.a is None:
        return None
    # id() differs in every run, also where nothing comes of it: alone it says little.
    seeded = differing_seed(evidence) is not None
    return Finding(
        0.8 * reach(evidence, number.a) if seeded else sure(evidence, number.a, 0.45),
        number.site,
        f"{number.detail.call or 'id()'} at {spot(number.site)} gave the address of an object, which is new "
        "in every process.",
        _FIX,
    )


def _change(patch: Patch, finding: Finding) -> str | None:
    rows = [fact.detail for fact in patch.evidence.a if fact.site == finding.site]
    rows = [finding.subject] if finding.subject is not None else rows
    if any(isinstance(row, Hash) for row in rows) and not any(
        isinstance(row, Iteration | Sort) for row in rows
    ):
        number_objects(patch, finding.site)
    else:
        keep_insertion(patch, finding.site)
    return None


_LESS: Final = frozenset({"__lt__", "__gt__", "__le__", "__ge__"})
_ORDERS: Final = (ast.Lt, ast.Gt, ast.LtE, ast.GtE)
#: What takes an order: iteration, and these calls.
_TAKES: Final = frozenset({"list", "tuple", "enumerate", "zip", "iter", "map", "torch.nn.Sequential"})


def rule(module: Module) -> Iterator[Hit]:
    instances, orders = Instances(module), Orders(module, printed=True)
    for call, name, last in module.calls:
        if name in ("sorted", "min", "max") or last == "sort":
            yield from _keyed(module, instances, call)
        elif name == "id" or (name == "hash" and call.args and instances.is_object(call.args[0])):
            number = becomes_number(module, call)
            if number is not None:
                why = f"{name}() is where the object lies in memory, new in every process, and is {number}."
                yield Hit(module.place(call), why, _FIX_NUMBER)
    if "id(" in module.text:
        yield from _compared(module)
    for node in _taken(module):
        if not instances.is_objects(node):
            continue
        use, above = orders.use(node), module.names.parent(node)
        given = module.names.parent(above) if isinstance(above, ast.Starred) else None
        if use is None and isinstance(given, ast.Call) and module.names.called(given) not in ANY_ORDER:
            use = Use("arguments are given in the order of")
        if use is not None:
            yield Hit(
                module.place(node),
                f"{use.does} a set of objects, which follows where they lie in memory.",
                _FIX,
                mend=_keep_order if isinstance(node, ast.Call) else None,
                safe=isinstance(node, ast.Call),
                returned_by=use.returned_by,
            )


def _compared(module: Module) -> Iterator[Hit]:
    """`__lt__` and the like that compare what `id` gives of both objects."""
    for node in module.every(ast.Compare):
        function = module.function(node)
        if function is None or function.name not in _LESS or not isinstance(node.ops[0], _ORDERS):
            continue
        if all(_has_address(module, side) for side in (node.left, *node.comparators)):
            why = f"{function.name}() compares where two objects lie in memory: sorted, their order is new "
            yield Hit(module.place(node), why + "in every process.", _FIX_KEY)


def _has_address(module: Module, side: ast.expr) -> bool:
    """`id(self)`, also among what comes before it: `(self.cost, id(self))`."""
    parts = side.elts if isinstance(side, ast.Tuple) else [side]
    return any(module.names.called(part) == "id" for part in parts)


def _taken(module: Module) -> Iterator[ast.expr]:
    """Expressions whose order is taken, perhaps."""
    if "set(" not in module.text and "{" not in module.text:
        return
    for loop in module.every(ast.For):
        yield loop.iter
    for part in module.every(ast.comprehension):
        yield part.iter
    for starred in module.every(ast.Starred):
        yield starred.value
    for call, name, _ in module.calls:
        if name in _TAKES:
            yield from call.args


def _keyed(module: Module, instances: Instances, call: ast.Call) -> Iterator[Hit]:
    """`sorted(x, key=id)`, and `key=repr` of objects whose class has no text of its own."""
    key = keyword(call, "key")
    if key is None:
        return
    names = module.names
    by = names.qualified(key)
    if isinstance(key, ast.Lambda):
        given = {one.arg for one in key.args.args}
        for inner in ast.walk(key.body):
            match inner:
                case ast.Call(args=[ast.Name(id=name)]) if name in given:
                    by = names.called(inner) if names.called(inner) in ("id", "repr", "str") else by
                case _:
                    pass
    if by == "id":
        yield Hit(module.place(call), "the order follows where the objects lie in memory (key=id).", _FIX_KEY)
    elif by in ("repr", "str"):
        of = call.func.value if isinstance(call.func, ast.Attribute) else call.args[0] if call.args else None
        made = None if of is None else instances.nameless(of)
        if made is not None:
            why = f"the text of a {made} holds its address in memory, since the class defines none ({by})."
            yield Hit(module.place(call), why, _FIX_KEY)


def _keep_order(draft: Draft, node: ast.AST) -> None:
    """`set(x)` becomes `dict.fromkeys(x)`, which has each once, in the order of x."""
    call = call_of(draft, node, {"set"})
    above = draft.names.parent(call)
    loop = isinstance(above, ast.For | ast.comprehension)
    if not loop and not (isinstance(above, ast.Call) and draft.names.called(above) in _TAKES):
        raise UnclearPlace("what the set is used for is not plain")
    draft.rename(call, "dict.fromkeys")


CAUSE = Cause(
    name="address-order",
    title="Order from the addresses of objects",
    what="Iterating over a set of objects that are hashed by address (modules, parameters, instances "
    "without `__hash__`), sorting by `id`, or using `id()` or `hash()` of an object as a number.",
    why="Where an object lies in memory changes from process to process, and with it the order of a set. "
    "PYTHONHASHSEED has no influence on it.",
    fix=_FIX,
    sources=(
        "https://docs.python.org/3/library/functions.html#id",
        "https://docs.python.org/3/reference/datamodel.html#object.__hash__",
        "https://github.com/pytorch/pytorch/issues/7068",
    ),
    match=match,
    mend=mends(_change),
    rule=Rule(file=rule),
    invalid=(
        "import torch\n\nlayers = {torch.nn.Linear(2, 2) for _ in range(8)}\n"
        "model = torch.nn.Sequential(*layers)\n",
        "items = [object() for _ in range(8)]\nitems.sort(key=id)\n",
    ),
    valid=(
        "import torch\n\nlayers = [torch.nn.Linear(2, 2) for _ in range(8)]\n"
        "model = torch.nn.Sequential(*layers)\n",
        "items = [(number, object()) for number in range(8)]\nitems.sort(key=lambda item: item[0])\n",
    ),
)
