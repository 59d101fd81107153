"""What becomes of an order: whether the order in which an expression gives its elements reaches anything.

A set, a folder's listing, results as they come: their order is not given.  It is lost in `sorted(x)`,
`len(x)`, `a in x`, in another set, in a loop that copies files; it is kept in a list that is indexed,
enumerated or returned.  The elements are followed through calls that pass them on, comprehensions, loops,
variables of the function, attributes of the class, and parameters of the file's own functions.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from samebits.source import sums, turns
from samebits.source.module import Module, is_constant, last_name
from samebits.source.orderings import (
    ANY_ORDER,
    DRAWN_FROM,
    GIVE_ON,
    KEEPS,
    NUMBERED,
    PASSES,
    PASSING,
    SAVES,
    SORTERS,
    STACKS,
    UPDATES,
    WRITES,
)
from samebits.source.sorted_later import is_sorted_on_the_way
from samebits.source.variables import Variables, is_held

_DEPTH: Final = 14


@dataclass(frozen=True, slots=True)
class Use:
    """Where an order is kept.

    Attributes:
        does: what keeps it, as the beginning of a sentence: "append() is called in the order of".
        returned_by: the function that only returns it.
    """

    does: str
    returned_by: str | None = None


class Orders:
    """Follows the orders of one module.

    Args:
        printed: whether lines that are printed count as kept.
        written: whether lines that are written to one file do.
        methods: further methods and attributes that give the elements on in their order.
        sums: whether sums of floats count, which another order rounds otherwise.
    """

    def __init__(
        self,
        module: Module,
        printed: bool = False,
        written: bool | None = None,
        methods: Collection[str] = (),
        sums: bool = False,
    ) -> None:
        self.module = module
        self.names = module.names
        self.variables = Variables(module)
        self.printed = printed
        self.written = printed if written is None else written
        self.methods = GIVE_ON | frozenset(methods)
        self.sums = sums
        self._known: dict[ast.AST, Use | None] = {}

    def use(self, node: ast.expr, depth: int = 0) -> Use | None:
        """What keeps the order of an expression's elements; None where it is lost, or not known."""
        if node in self._known:
            return self._known[node]
        if depth > _DEPTH:
            return None
        self._known[node] = None  # of what leads to itself
        self._known[node] = found = self._use(node, depth)
        return found

    def _use(self, node: ast.expr, depth: int) -> Use | None:
        above = self.names.parent(node)
        match above:
            case ast.Call():
                return self._argument(node, above, depth)
            case ast.keyword():
                call = self.names.parent(above)
                return self._argument(node, call, depth) if isinstance(call, ast.Call) else None
            case ast.Starred():
                return self.use(above, depth + 1)
            case ast.ListComp() | ast.GeneratorExp() if above.elt is node:
                return self.use(above, depth + 1)  # a list of such lists
            case ast.List() | ast.Tuple():
                if isinstance(node, ast.Starred):
                    return self.use(above, depth + 1)
                if isinstance(self.names.parent(above), ast.Return) and not self.module.kinds.is_set(node):
                    return Use("it is returned in the order of", self._function_name(above))
                return None
            case ast.Attribute(value=value) if value is node:
                return self._method(above, depth)
            case ast.Subscript(value=value) if value is node:
                return self._taken(above, depth)
            case ast.comprehension():
                return self._comprehension(above, depth)
            case ast.For() | ast.AsyncFor() if above.iter is node:
                return self.kept_by(above, depth)
            case ast.NamedExpr(target=target):
                read = bool(self.variables.loads(target))
                return self.use(above, depth + 1) or (self._variable(target, depth) if read else None)
            case ast.BinOp(op=ast.Add() | ast.Mult()) | ast.Await() | ast.BoolOp():
                return self.use(above, depth + 1)
            case ast.IfExp() if above.test is not node:
                return self.use(above, depth + 1)
            case ast.Compare():
                if all(isinstance(op, ast.In | ast.NotIn) for op in above.ops):
                    return None
                taken = isinstance(node, ast.Call) and self.names.called(node) in ("list", "tuple")
                return Use("a comparison takes") if taken else None
            case (
                ast.Assign(targets=[target])
                | ast.AnnAssign(target=target)
                | ast.AugAssign(op=ast.Add(), target=target)
            ):
                return self._variable(target, depth)
            case ast.Return() if above.value is node:
                return Use("it is returned in the order of", self._function_name(above))
            case ast.Yield() | ast.YieldFrom():
                return Use("values are yielded in the order of", self._function_name(above))
            case ast.Dict(values=values) if node in values:
                return Use("it is kept as a list, in the order of")
            case ast.DictComp(value=value) if value is node:
                return Use("it is kept as a list, in the order of")
            case _:
                return None

    def _function_name(self, node: ast.AST) -> str | None:
        function = self.module.function(node)
        return None if function is None else self.module.qualname(function)

    # -- calls

    def _argument(self, node: ast.expr, call: ast.Call, depth: int) -> Use | None:
        if call.func is node:
            return None
        name, last = self.names.called(call), last_name(call.func)
        if name in ANY_ORDER or last in SORTERS:
            return self._in_any_order(node, call, name)
        if isinstance(call.func, ast.Attribute):
            if last in UPDATES:
                return None
            if last in ("extend", "append", "insert") and node in call.args:
                if last != "extend" and not isinstance(node, ast.Starred):
                    return Use("a list is kept, in the order of")
                held = call.func.value
                return self._filled(held, last, None, depth) if is_held(held) else None
            if last == "join" and self.module.kinds.is_text(call.func.value):
                return Use("the text is joined in the order of")
        if name in PASSES or last in PASSING:
            if name == "next":
                return None
            if isinstance(node, ast.Starred) and name in ("min", "max"):
                return None
            if name == "dict":
                paired = isinstance(node, ast.Call) and self.names.called(node) in ("enumerate", "zip")
                return Use("numbers are given in the order of") if paired else self._by_key(call, depth)
            use = self.use(call, depth + 1)
            through = name not in PASSES or name in ("enumerate", "zip", "iter") or last in PASSING
            return use if use is None or through else Use(f"{name}() takes the order of", use.returned_by)
        if name is not None and name.startswith(DRAWN_FROM):
            return Use(f"{last}() takes the order of")
        if name in SAVES and self.written and not self.module.kinds.is_set(node):
            return Use(f"{last}() writes what is in the order of")
        if turns.is_generator(call.func) and last in ("choice", "shuffle", "sample", "permutation"):
            return Use(f"{last}() takes the order of")
        if last.endswith(NUMBERED):
            return Use(f"{last}() takes the order of")
        return self._parameter(node, call, depth)

    def _in_any_order(self, node: ast.expr, call: ast.Call, name: str | None) -> Use | None:
        """What of the order is left where the elements are sorted, counted or printed."""
        if name in ("min", "max") and turns.is_keyed(self.module, call):
            return Use(f"{name}() takes the first of equal keys in")
        if name == "sum" and self.sums and sums.is_of_floats(self.module, call):
            return Use("floats are added in the order of")
        if name == "print" and self.written and self.names.called(node) in STACKS:
            return Use("rows are printed in the order of")
        return None

    def _parameter(self, node: ast.expr, call: ast.Call, depth: int) -> Use | None:
        """What a function of the file does with the parameter that it gets the elements as."""
        function = turns.definition(self.module, call)
        name = None if function is None else turns.parameter(self.module, function, call, node)
        if function is None or name is None:
            return None
        loads = [
            load
            for load in self.variables.named.get(name, ())
            if isinstance(load.ctx, ast.Load) and self.names.home(load) is function
        ]
        for use in self._uses(loads, depth):
            if use.returned_by == self.module.qualname(function):
                further = self.use(call, depth + 1)
                if further is not None:
                    return further
            else:
                return Use(f"{function.name}() keeps the order of", use.returned_by)
        return None

    def _method(self, above: ast.Attribute, depth: int) -> Use | None:
        if above.attr not in self.methods:
            return None
        call = self.names.parent(above)
        called = isinstance(call, ast.Call) and call.func is above
        return self.use(call if called and isinstance(call, ast.Call) else above, depth + 1)

    def _taken(self, above: ast.Subscript, depth: int) -> Use | None:
        if turns.gives_all(above):
            return self.use(above, depth + 1)
        if (loop := turns.indexing(self.module, above)) is not None:
            return self.kept_by(loop, depth + 1)
        if isinstance(above.ctx, ast.Store | ast.Del) or is_constant(above.slice, 0):
            return None  # `x[0]` may be the only one
        a_part = isinstance(above.slice, ast.Slice)
        return Use("a part is taken by position in" if a_part else "one is taken by position in")

    # -- comprehensions and loops

    def _comprehension(self, above: ast.comprehension, depth: int) -> Use | None:
        held = self.names.parent(above)
        if isinstance(held, ast.SetComp) or not isinstance(held, ast.expr):
            return None
        if isinstance(held, ast.DictComp):
            if turns.numbers_keys(self.module, held, above):
                return Use("numbers are given in the order of")
            return self._by_key(held, depth)
        use = self.use(held, depth + 1)
        if use is not None and isinstance(held, ast.ListComp):
            return Use("the list gets its order from", use.returned_by)
        return use

    def _by_key(self, made: ast.expr, depth: int) -> Use | None:
        """What becomes of the order of a dict: who asks it by a key has no order."""
        above = self.names.parent(made)
        target = above.targets[0] if isinstance(above, ast.Assign) else getattr(above, "target", None)
        if isinstance(above, ast.Assign | ast.AnnAssign | ast.NamedExpr) and isinstance(
            target, ast.Name | ast.Attribute
        ):
            return self._listed(target, depth)
        if isinstance(above, ast.Attribute):
            return self._method(above, depth)
        return None

    def _listed(self, held: ast.expr, depth: int) -> Use | None:
        """What takes the entries of a dict one by one, in their order."""
        for load in self.variables.loads(held):
            above = self.names.parent(load)
            takes = isinstance(above, ast.For | ast.comprehension) or (
                isinstance(above, ast.Call) and load in above.args and self.names.called(above) in PASSES
            )
            if isinstance(above, ast.Attribute):
                takes = above.attr in ("items", "keys", "values")
            if takes and (use := self.use(load, depth + 1)) is not None:
                return use
        return None

    def kept_by(self, loop: ast.For | ast.AsyncFor, depth: int = 0) -> Use | None:
        """What the body of a loop does that keeps the order of its turns; None if nothing visible."""
        inside = [inner for statement in loop.body for inner in ast.walk(statement)]
        if turns.stops_at_quota(loop):
            return Use("the first of them are taken in the order of")
        counted = turns.counters(self.module, loop)
        for node in inside:
            use: Use | None = None
            match node:
                case ast.Yield() | ast.YieldFrom():
                    return Use("values are yielded in the order of", self._function_name(node))
                case ast.Call() | ast.Subscript() if turns.asks_for_number(self.module, node, counted):
                    return Use("numbers are given in the order of")
                case ast.Call():
                    use = self._called(node, loop, depth)
                case ast.Assign(targets=[ast.Subscript() as target], value=value):
                    if turns.counts(self.module, target.value, value, counted):
                        return Use("numbers are given in the order of")
                    held = is_held(target.value) and not turns.has_places(self.module, target.value)
                    if held and not self.variables.is_made_in(target.value, loop):
                        use = self._listed(target.value, depth)
                case ast.AugAssign(
                    op=ast.Add(), target=ast.Name() as target, value=ast.List() | ast.ListComp()
                ):
                    use = self._filled(target, "+=", loop, depth)
                case ast.Assign(targets=[ast.Name() as target], value=value):
                    if turns.goes_on(self.variables, target, value, loop):
                        use = Use(f"{target.id} goes from turn to turn in the order of")
                case _:
                    pass
            if self.sums and use is None and sums.adds_floats(self.variables, node, loop):
                use = Use("floats are added in the order of")
            if use is not None:
                return use
        return None

    def _called(self, node: ast.Call, loop: ast.For | ast.AsyncFor, depth: int) -> Use | None:
        name, last = self.names.called(node), last_name(node.func)
        if name == "print":
            return Use("lines are printed in the order of") if self.printed else None
        if turns.draws(self.module, node):
            return Use(f"{name or last}() is called in the order of")
        if isinstance(node.func, ast.Attribute) and last in KEEPS:
            return self._filled(node.func.value, last, loop, depth)
        if last == "backward" or (last == "step" and not node.args):
            return Use(f"{last}() is called in the order of")
        return None

    # -- variables

    def filled(self, held: ast.expr) -> Use | None:
        """What keeps the order in which a list got its elements."""
        return self._filled(held, "append", None, 0)

    def _filled(self, held: ast.expr, by: str, loop: ast.For | ast.AsyncFor | None, depth: int) -> Use | None:
        """What becomes of a list that gets an element in every turn, or of a file that gets a line."""
        does = "a list is filled in the order of" if by == "+=" else f"{by}() is called in the order of"
        if self.variables.is_made_in(held, loop) or (by in WRITES and not self.written):
            return None
        if by in WRITES or not is_held(held):
            lost = isinstance(held, ast.Subscript) and (
                self.variables.is_sorted_later(held) or is_sorted_on_the_way(self.variables, held)
            )
            return None if lost or (by in WRITES and self.variables.is_archive(held)) else Use(does)
        if self.variables.is_sorted(held):
            return None
        loads = [load for load in self.variables.loads(held) if not self._fills(load)]
        found = list(self._uses(loads, depth))
        if found:
            return Use(does, found[0].returned_by)
        return None if loads and all(self.lost(load, depth + 1) for load in loads) else Use(does)

    def _fills(self, load: ast.expr) -> bool:
        above = self.names.parent(load)
        return isinstance(above, ast.Attribute) and above.attr in KEEPS

    def lost(self, node: ast.expr, depth: int = 0) -> bool:
        """Whether the order of an expression's elements is lost for certain: nobody unknown gets them."""
        if depth > _DEPTH or self.use(node) is not None:
            return False
        above = self.names.parent(node)
        if isinstance(above, ast.keyword):
            above = self.names.parent(above)
        match above:
            case ast.Call(func=function) if function is not node:
                name, last = self.names.called(above), last_name(function)
                if name in PASSES or last in PASSING:
                    return self.lost(above, depth + 1)
                known = name in ANY_ORDER or last in SORTERS or last in UPDATES
                return known or turns.definition(self.module, above) is not None
            case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
                if self.variables.is_sorted(target):
                    return True
                loads = self.variables.loads(target)
                return isinstance(target, ast.Name) and all(self.lost(load, depth + 1) for load in loads)
            case ast.Starred() | ast.BinOp() | ast.IfExp() | ast.BoolOp() | ast.NamedExpr() | ast.Await():
                return self.lost(above, depth + 1)
            case ast.comprehension():
                held = self.names.parent(above)
                return not isinstance(held, ast.ListComp | ast.GeneratorExp) or self.lost(held, depth + 1)
            case ast.Assign() | ast.Return() | ast.Tuple() | ast.List() | ast.Dict() | ast.Yield():
                return False
            case _:
                return True

    def _uses(self, loads: Collection[ast.expr], depth: int) -> Iterator[Use]:
        """What keeps the order, what is kept for certain first."""
        found = [use for load in loads if (use := self.use(load, depth + 1)) is not None]
        yield from sorted(found, key=lambda use: use.returned_by is not None)

    def _variable(self, target: ast.expr, depth: int) -> Use | None:
        """What becomes of a variable, or of an attribute of the class, that the elements are in."""
        if isinstance(target, ast.Subscript):
            return Use("it is kept, in the order of")
        if isinstance(target, ast.Tuple | ast.List):
            return Use("they are told apart by position in")
        if self.variables.is_sorted(target):
            return None
        loads = self.variables.loads(target)
        for use in self._uses(loads, depth):
            return use
        if loads and (isinstance(target, ast.Name) or self.variables.are_known(loads)):
            return None
        if isinstance(target, ast.Name) and (loads or self.variables.is_passing(target)):
            return None
        return Use("it is kept in the order of")
