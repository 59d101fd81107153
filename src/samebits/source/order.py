"""What becomes of an order: whether the order in which an expression gives its elements reaches anything.

A set, a folder's listing, results as they come: their order is not given.  It is lost in `sorted(x)`,
`len(x)`, `a in x`, in another set, in a loop that copies files; it is kept in a list that is indexed,
enumerated or returned.  The elements are followed through calls that pass them on, comprehensions, loops,
variables of the function and attributes of the class.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Final

from samebits.source.module import Module, keyword, last_name

#: What takes elements in any order and gives the same.
_ANY_ORDER: Final = frozenset(
    {"sorted", "set", "frozenset", "len", "sum", "min", "max", "any", "all", "collections.Counter", "bool"}
    | {"natsort.natsorted", "natsort.os_sorted", "print", "str", "repr", "isinstance", "type", "math.fsum"}
)
_SORTERS: Final = frozenset({"sorted", "natsorted", "os_sorted", "humansorted", "sort_values", "naturalsort"})
#: What gives the elements on in their order.
PASSES: Final = frozenset(
    {
        *(
            "list",
            "tuple",
            "enumerate",
            "zip",
            "iter",
            "map",
            "filter",
            "dict.fromkeys",
            "reversed",
            "next",
            "dict",
        ),
        *("collections.deque", "collections.OrderedDict.fromkeys", "collections.OrderedDict"),
        *("itertools.chain", "itertools.chain.from_iterable", "itertools.cycle", "itertools.islice"),
        *("itertools.accumulate", "itertools.product", "itertools.combinations", "itertools.permutations"),
        *("numpy.fromiter", "numpy.array", "numpy.asarray", "torch.tensor", "torch.stack", "torch.cat"),
        *(
            "tqdm.tqdm",
            "tqdm.auto.tqdm",
            "tqdm.trange",
            "tqdm.notebook.tqdm",
            "pandas.DataFrame",
            "pandas.Series",
        ),
        *(
            "numpy.concatenate",
            "numpy.stack",
            "numpy.hstack",
            "numpy.vstack",
            "pandas.concat",
            "tqdm.std.tqdm",
        ),
        *("rich.progress.track", "copy.copy", "copy.deepcopy", "torch.as_tensor", "torch.from_numpy"),
    }
)
#: Draws, splits and shuffles of a list are of its order.
_DRAWS: Final = (
    *("random.shuffle", "random.sample", "random.choice", "random.choices", "numpy.random.shuffle"),
    *("numpy.random.permutation", "numpy.random.choice", "sklearn.model_selection.", "torch.utils.data."),
    *("sklearn.utils.shuffle",),
)
_UPDATES: Final = frozenset(
    {
        *("update", "intersection_update", "difference_update", "symmetric_difference_update", "isdisjoint"),
        *("issubset", "issuperset", "union", "intersection", "difference", "symmetric_difference"),
    }
)
#: Methods that keep the order in which they are called.
KEEPS: Final = frozenset(
    {
        *("append", "appendleft", "extend", "insert", "write", "writelines", "put", "add_module"),
        *("register_buffer", "writerow", "writerows", "push", "add_row", "put_nowait"),
    }
)
#: Modules whose functions draw, or compute with what has an order.
COMPUTES: Final = ("torch.", "random.", "numpy.random.")
_LOST_NAMES: Final = ("torch.cuda.", "torch.load", "torch.save", "torch.hub", "torch.is_", "torch.device")
_DEPTH: Final = 12


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
    """

    def __init__(self, module: Module, printed: bool = False) -> None:
        self.module = module
        self.names = module.names
        self.printed = printed

    def use(self, node: ast.expr, depth: int = 0, seen: frozenset[ast.AST] = frozenset()) -> Use | None:
        """What keeps the order of an expression's elements; None where it is lost."""
        if depth > _DEPTH or node in seen:
            return None
        seen |= {node}
        above = self.names.parent(node)
        match above:
            case ast.Call():
                return self._argument(node, above, depth, seen)
            case ast.keyword():
                call = self.names.parent(above)
                if isinstance(call, ast.Call):
                    return self._argument(node, call, depth, seen)
                return None
            case ast.Starred():
                return self.use(above, depth + 1, seen)
            case ast.List() | ast.Tuple():
                if isinstance(node, ast.Starred):
                    return self.use(above, depth + 1, seen) or None
                return None
            case ast.Attribute(value=value) if value is node:
                return self._method(node, above, depth, seen)
            case ast.Subscript(value=value) if value is node:
                return self._taken(above)
            case ast.comprehension():
                return self._comprehension(above, depth, seen)
            case ast.For() | ast.AsyncFor() if above.iter is node:
                does = self.kept_by(above)
                return None if does is None else Use(f"{does} in the order of")
            case ast.BinOp(op=ast.Add() | ast.Mult()) | ast.IfExp() | ast.NamedExpr() | ast.Await():
                if isinstance(above, ast.IfExp) and above.test is node:
                    return None
                return self.use(above, depth + 1, seen)
            case ast.BoolOp():
                return self.use(above, depth + 1, seen)
            case ast.Compare():
                if all(isinstance(op, ast.In | ast.NotIn) for op in above.ops):
                    return None
                taken = isinstance(node, ast.Call) and self.names.called(node) in ("list", "tuple")
                return Use("a comparison takes") if taken else None
            case ast.Assign(targets=[target]) | ast.AnnAssign(target=target) | ast.AugAssign(target=target):
                return self._variable(target, node, depth, seen)
            case ast.Return() if above.value is node:
                return self._returned(above)
            case ast.Yield() | ast.YieldFrom():
                return Use("values are yielded in the order of")
            case ast.Dict():
                return Use("it is kept as a list, in the order of") if node in above.values else None
            case _:
                return None

    # -- calls

    def _argument(self, node: ast.expr, call: ast.Call, depth: int, seen: frozenset[ast.AST]) -> Use | None:
        if call.func is node:
            return None
        name, last = self.names.called(call), last_name(call.func)
        keyed = keyword(call, "key") is not None
        if name in _ANY_ORDER or last in _SORTERS:
            if keyed and name in ("min", "max", "sorted"):
                return self._keyed(call, name)
            return None
        if isinstance(call.func, ast.Attribute):
            if last in _UPDATES:
                return None
            if last in ("extend", "append", "insert") and node in call.args:
                if last != "extend" and not isinstance(node, ast.Starred):
                    return Use("a list is kept, in the order of")
                held = call.func.value
                return self._variable(held, node, depth, seen) if self._is_held(held) else None
            if last == "join" and self.module.kinds.is_text(call.func.value):
                return Use("the text is joined in the order of")
        if name in PASSES or last in ("tqdm", "track", "progress_bar"):
            if name == "next":
                return None
            if isinstance(node, ast.Starred) and name in ("min", "max"):
                return None
            use = self.use(call, depth + 1, seen)
            return use and Use(f"{name or last}() takes the order of", use.returned_by)
        if name is not None and name.startswith(_DRAWS):
            return Use(f"{last}() takes the order of")
        if last.endswith(("Dataset", "DataLoader", "Sampler", "Vocab", "LabelEncoder", "OneHotEncoder")):
            return Use(f"{last}() takes the order of")
        return None

    def _keyed(self, call: ast.Call, name: str | None) -> Use | None:
        """`min(x, key=f)`: of equal keys the first; times and names of files are rarely equal."""
        key = keyword(call, "key")
        if name == "sorted":
            return None
        if key is not None and (self.names.qualified(key) or "").startswith("os.path."):
            return None
        if any(
            isinstance(inner, ast.Attribute)
            and inner.attr in ("stat", "st_mtime", "getmtime", "getctime", "stem", "name")
            for inner in ast.walk(call)
        ):
            return None
        return Use(f"{name}() takes the first of equal keys in")

    def _method(
        self, node: ast.expr, above: ast.Attribute, depth: int, seen: frozenset[ast.AST]
    ) -> Use | None:
        call = self.names.parent(above)
        if not isinstance(call, ast.Call) or call.func is not above:
            return None
        if above.attr in (
            "items",
            "keys",
            "values",
            "copy",
            "tolist",
            "to_list",
            "to_numpy",
            "numpy",
            "rows",
        ):
            return self.use(call, depth + 1, seen)
        if above.attr in (
            "iter_rows",
            "to_dicts",
            "head",
            "limit",
            "with_row_index",
            "to_torch",
            "to_pandas",
        ):
            return self.use(call, depth + 1, seen)
        return None

    def _taken(self, above: ast.Subscript) -> Use | None:
        """`x[3]`, `x[:10]`: an element by its number; `x[0]` may be the only one."""
        index = above.slice
        if isinstance(above.ctx, ast.Store | ast.Del):
            return None
        if isinstance(index, ast.Slice):
            return Use("a part is taken by position in")
        if isinstance(index, ast.Constant):
            return (
                None
                if index.value == 0 or isinstance(index.value, str)
                else Use("one is taken by position in")
            )
        if isinstance(index, ast.UnaryOp):
            return Use("one is taken by position in")
        return Use("one is taken by position in")

    # -- comprehensions, loops, variables

    def _comprehension(self, above: ast.comprehension, depth: int, seen: frozenset[ast.AST]) -> Use | None:
        held = self.names.parent(above)
        if isinstance(held, ast.SetComp) or not isinstance(held, ast.expr):
            return None
        if isinstance(held, ast.DictComp):
            numbered = (
                (isinstance(above.iter, ast.Call) and self.names.called(above.iter) in ("enumerate", "zip"))
                or any(
                    isinstance(inner, ast.Call) and last_name(inner.func) in ("next", "len")
                    for inner in ast.walk(held.value)
                )
                or self._computes(held.value)
            )
            return Use("numbers are given in the order of") if numbered else None
        use = self.use(held, depth + 1, seen)
        if use is not None and isinstance(held, ast.ListComp):
            return Use("the list gets its order from", use.returned_by)
        return use

    def _computes(self, node: ast.AST) -> bool:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call):
                name = self.names.called(inner) or ""
                if name.startswith(COMPUTES) and not name.startswith(_LOST_NAMES):
                    return True
        return False

    def kept_by(self, loop: ast.For | ast.AsyncFor) -> str | None:
        """What the body of a loop does that keeps the order of its turns; None if nothing visible."""
        counters = {
            node.target.id
            for statement in loop.body
            for node in ast.walk(statement)
            if isinstance(node, ast.AugAssign)
            and isinstance(node.op, ast.Add)
            and isinstance(node.target, ast.Name)
        }
        if isinstance(loop.iter, ast.Call) and self.names.called(loop.iter) == "enumerate":
            target = loop.target
            if isinstance(target, ast.Tuple) and isinstance(target.elts[0], ast.Name):
                counters.add(target.elts[0].id)
        for node in (inner for statement in loop.body for inner in ast.walk(statement)):
            match node:
                case ast.Yield() | ast.YieldFrom():
                    return "values are yielded"
                case ast.Call():
                    name, last = self.names.called(node) or "", last_name(node.func)
                    if name == "print":
                        if self.printed:
                            return "lines are printed"
                        continue
                    if name.startswith(COMPUTES) and not name.startswith(_LOST_NAMES):
                        return f"{name}() is called"
                    if (
                        isinstance(node.func, ast.Attribute)
                        and last in KEEPS
                        and not self._is_sorted(node.func.value)
                    ):
                        if last in ("write", "writelines") and not self.printed:
                            continue
                        return f"{last}() is called"
                    if last == "backward" or (last == "step" and not node.args):
                        return f"{last}() is called"
                case ast.Assign(targets=[ast.Subscript() as target], value=value):
                    if self._numbers(target, value, counters):
                        return "numbers are given"
                case ast.AugAssign(
                    op=ast.Add(), target=ast.Name() as target, value=ast.List() | ast.ListComp()
                ):
                    if not self._is_sorted(target):
                        return "a list is filled"
                case _:
                    pass
        return None

    def _numbers(self, target: ast.Subscript, value: ast.expr, counters: set[str]) -> bool:
        """`ids[name] = len(ids)`, `ids[name] = count`."""
        if isinstance(value, ast.Name):
            return value.id in counters
        if isinstance(value, ast.Call) and self.names.called(value) == "len" and value.args:
            return ast.dump(value.args[0]) == ast.dump(target.value).replace("Store()", "Load()")
        return False

    def _is_held(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) or (
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        )

    def _variable(self, target: ast.expr, node: ast.expr, depth: int, seen: frozenset[ast.AST]) -> Use | None:
        """What becomes of a variable, or of an attribute of the class, that the elements are in."""
        if isinstance(target, ast.Subscript):
            return Use("it is kept, in the order of")
        if isinstance(target, ast.Tuple | ast.List):
            return Use("they are told apart by position in")
        if self._is_sorted(target):
            return None
        loads = self._loads(target)
        uses = [self.use(load, depth + 1, seen) for load in loads]
        found = [use for use in uses if use is not None]
        if found:
            return next((use for use in found if use.returned_by is None), found[0])
        if loads and (isinstance(target, ast.Name) or self._known_uses(loads)):
            return None
        if isinstance(target, ast.Name):
            return Use("it is kept in") if not loads else None
        return Use("it is kept in the order of")

    def _known_uses(self, loads: list[ast.expr]) -> bool:
        """Whether an attribute is used in its class, and only so that the order is lost."""
        return any(
            isinstance(above := self.names.parent(load), ast.Compare | ast.For | ast.comprehension)
            or (isinstance(above, ast.Call) and self.names.called(above) in ("sorted", "set"))
            for load in loads
        )

    def _loads(self, target: ast.expr) -> list[ast.expr]:
        """Where a variable of the function, or an attribute of the class, is read."""
        if isinstance(target, ast.Name):
            scope = self.module.function(target) or self.module.tree
            found: list[ast.expr] = []
            for inner in ast.walk(scope):
                if isinstance(inner, ast.Name) and inner.id == target.id and isinstance(inner.ctx, ast.Load):
                    found.append(inner)
            return found
        owner = self.module.class_of(target)
        text = ast.unparse(target)
        return [
            inner
            for inner in ast.walk(owner if owner is not None else self.module.tree)
            if isinstance(inner, ast.Attribute)
            and isinstance(inner.ctx, ast.Load)
            and isinstance(target, ast.Attribute)
            and inner.attr == target.attr
            and ast.unparse(inner) == text
        ]

    def _is_sorted(self, target: ast.expr) -> bool:
        """`names.sort()` or `names = sorted(names)` in the same function or class, or in the module."""
        if not self._is_held(target):
            return False
        text = ast.unparse(target)
        scope: ast.AST = self.module.tree
        if isinstance(target, ast.Name):
            scope = self.module.function(target) or self.module.tree
        for node in ast.walk(scope):
            match node:
                case ast.Call(func=ast.Attribute(value=value, attr="sort")) if ast.unparse(value) == text:
                    return True
                case ast.Assign(targets=[each], value=ast.Call() as call) if ast.unparse(each) == text:
                    if (
                        last_name(call.func) in _SORTERS
                        and call.args
                        and ast.unparse(call.args[0]) in (text, f"list({text})")
                    ):
                        return True
                case _:
                    pass
        return False

    def _returned(self, node: ast.Return) -> Use:
        function = self.module.function(node)
        return Use(
            "it is returned in the order of", None if function is None else self.module.qualname(function)
        )
