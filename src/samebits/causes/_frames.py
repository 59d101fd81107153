"""Tables of polars and pyarrow in a source: which expressions are such, and where one loses its order."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from samebits.causes._edits import Draft
from samebits.causes._nodes import call_of
from samebits.model.rule import Hit
from samebits.source.module import Module, is_constant, keyword
from samebits.source.order import Orders, Use

_FIX: Final = """\
table = frame.group_by("id", maintain_order=True).agg(...)  # or .sort("id") behind it"""
_FIX_ARROW: Final = """\
groups = table.group_by("id", use_threads=False).aggregate(...)  # or .sort_by("id") behind it"""

_LOSES: Final = frozenset({"group_by", "groupby", "unique", "value_counts"})
#: Methods of a table or column that give rows on in their order.
_ROWS: Final = frozenset(
    {
        *(
            "agg",
            "aggregate",
            "all",
            "select",
            "filter",
            "with_columns",
            "with_columns_seq",
            "collect",
            "lazy",
        ),
        *("drop", "rename", "cast", "fill_null", "drop_nulls", "head", "tail", "limit", "slice", "first"),
        *("last", "to_numpy", "to_torch", "to_list", "to_pandas", "to_arrow", "to_dicts", "to_dict", "rows"),
        *(
            "iter_rows",
            "iter_columns",
            "get_column",
            "to_series",
            "partition_by",
            "with_row_index",
            "explode",
        ),
        *("with_row_count", "to_jax", "to_pylist", "column", "shift", "clone", "rechunk", "unnest", "alias"),
        *("gather", "gather_every", "map_rows", "map_elements", "pipe", "to_pydict", "to_init_repr", "len"),
        *("iter_slices", "fetch", "hstack", "vstack", "extend", "sample", "values", "to_physical", "struct"),
        *("str", "dt", "list", "arr", "field", "to_batches", "shuffle", "mean", "sum", "max", "min", "count"),
    }
)
#: Methods behind `group_by` that give a row for each group; of a table the same names give one number.
_OF_GROUPS: Final = frozenset({"mean", "sum", "max", "min", "count", "len", "first", "last", "all", "median"})
_WRITES: Final = ("write_", "sink_")


def lost_orders(module: Module) -> Iterator[Hit]:
    """Calls that lose the order of rows, where it is kept by what follows."""
    polars, arrow = "polars" in module.text, "pyarrow" in module.text
    if not polars and not arrow:
        return
    frames = _Frames(module)
    for call, name, last in module.calls:
        if last not in _LOSES or not isinstance(call.func, ast.Attribute) or name in _OTHERS:
            continue
        arrows = arrow and frames.of(call.func.value, "pyarrow")
        if not arrows and not (polars and frames.of(call.func.value, "polars")):
            continue
        if arrows and (last != "group_by" or is_constant(keyword(call, "use_threads"), False)):
            continue
        if is_constant(keyword(call, "maintain_order"), True) or _gives_sort(call):
            continue
        use = frames.use(call, last)
        if use is not None:
            yield Hit(
                module.place(call),
                f"{use.does} the rows that {last}() of {'pyarrow' if arrows else 'polars'} gives, and that "
                "order is new in every run.",
                _FIX_ARROW if arrows else _FIX,
                mend=_in_one_thread if arrows else None if last == "value_counts" else _maintain_order,
                safe=last != "value_counts",
                returned_by=use.returned_by,
            )


_OTHERS: Final = frozenset({"numpy.unique", "torch.unique", "polars.unique"})


def _gives_sort(call: ast.Call) -> bool:
    """`value_counts(sort=True)` orders by the counts; equal counts stay in no order, which is not asked."""
    return is_constant(keyword(call, "sort"), True)


class _Frames:
    def __init__(self, module: Module) -> None:
        self.module = module
        self.names = module.names
        self.orders = Orders(module, written=True, methods=_ROWS)
        self._followed: set[tuple[ast.AST | None, str]] = set()  # variables that are looked at

    def of(self, node: ast.expr, library: str, depth: int = 0) -> bool:
        """Whether an expression is a table, a column or an expression of a library."""
        if depth > 12:
            return False
        match node:
            case ast.Call():
                name = self.names.called(node)
                if name is not None and name.startswith(f"{library}."):
                    return True
                if isinstance(node.func, ast.Attribute):
                    return self.of(node.func.value, library, depth + 1)
                return self._returned(node.func, library, depth)
            case ast.Subscript() | ast.Attribute():
                return self._held(node, library, depth) or self.of(node.value, library, depth + 1)
            case ast.Name():
                note = self.names.annotation(node)
                if note is not None:
                    return (self.names.qualified(note) or "").startswith(f"{library}.")
                home = self.names.home(node), node.id
                if home in self._followed:
                    return True  # `frame = frame.filter(...)`: the others decide
                values = self.names.values(node)
                if values:
                    self._followed.add(home)
                    found = all(self.of(value, library, depth + 1) for value in values)
                    self._followed.discard(home)
                    return found
                return self._is_parameter(node, library, depth)
            case _:
                return False

    def _held(self, node: ast.expr, library: str, depth: int) -> bool:
        """`self.frame`, by what it is given in the class."""
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            return False
        found = [
            above.value
            for store in self.orders.variables.stores(node)
            if isinstance(above := self.names.parent(store), ast.Assign)
        ]
        return bool(found) and all(self.of(value, library, depth + 1) for value in found)

    def _returned(self, function: ast.expr, library: str, depth: int) -> bool:
        """What a function of the file returns."""
        if not isinstance(function, ast.Name):
            return False
        body = self.names.definition(function)
        if not isinstance(body, ast.FunctionDef):
            return False
        if body.returns is not None:
            return (self.names.qualified(body.returns) or "").startswith(f"{library}.")
        given = [
            node.value for node in self.module.within(body) if isinstance(node, ast.Return) and node.value
        ]
        return bool(given) and all(self.of(value, library, depth + 1) for value in given)

    def _is_parameter(self, node: ast.Name, library: str, depth: int) -> bool:
        """A parameter of a function of the file that gets such a table wherever it is called."""
        home = self.names.home(node)
        if not isinstance(home, ast.FunctionDef):
            return False
        parameters = [one.arg for one in (*home.args.posonlyargs, *home.args.args)]
        if node.id not in parameters:
            return False
        place = parameters.index(node.id)
        given = [
            call.args[place]
            for call, _, last in self.module.calls
            if last == home.name
            and isinstance(call.func, ast.Name)
            and self.names.definition(call.func) is home
            and place < len(call.args)
        ]
        return bool(given) and all(self.of(value, library, depth + 1) for value in given)

    def use(self, call: ast.Call, last: str) -> Use | None:
        """What keeps the order of the rows."""
        top: ast.expr = call
        if self._is_expression(call):
            enclosing = self._enclosing(call)
            if enclosing is None:
                return None
            top = enclosing
        grouped = last in ("group_by", "groupby")
        while isinstance(above := self.names.parent(top), ast.Attribute):
            method = self.names.parent(above)
            called = isinstance(method, ast.Call) and method.func is above
            if above.attr.startswith(_WRITES):
                return Use("a file is written in the order of")
            if above.attr in _OF_GROUPS and called and grouped:
                grouped = False
            elif above.attr in _OF_GROUPS and called and above.attr not in ("first", "last", "all"):
                return None
            elif above.attr in _ROWS:
                grouped = grouped and above.attr not in ("agg", "aggregate")
            elif not called and above.attr not in ("shape", "height", "width", "columns", "schema"):
                grouped = False
            else:
                return None
            top = method if called and isinstance(method, ast.Call) else above
        return self.orders.use(top)

    def _is_expression(self, node: ast.expr) -> bool:
        """Whether a chain begins with `pl.col(...)`: it is no table, and its table is around it."""
        while True:
            match node:
                case ast.Call(func=ast.Attribute(value=inner)):
                    if self.names.called(node) in ("polars.col", "polars.element", "polars.all"):
                        return True
                    node = inner
                case ast.Attribute(value=inner):
                    node = inner
                case _:
                    return False

    def _enclosing(self, call: ast.Call) -> ast.Call | None:
        """`frame.select(pl.col("a").unique())`: the call that takes the expression."""
        for above in self.names.parents(call):
            if isinstance(above, ast.stmt):
                return None
            if isinstance(above, ast.Call) and isinstance(above.func, ast.Attribute):
                if above.func.attr == "select" and not self._is_expression(above):
                    return above
                if above.func.attr not in ("alias", "cast") and not self._is_expression(above):
                    return None
        return None


def _maintain_order(draft: Draft, node: ast.AST) -> None:
    draft.keyword(call_of(draft, node, _LOSES), "maintain_order", "True")


def _in_one_thread(draft: Draft, node: ast.AST) -> None:
    draft.keyword(call_of(draft, node, {"group_by"}), "use_threads", "False")
