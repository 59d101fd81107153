"""The entries of dicts that are written in one place and put together in another.

`{name: each.state_dict() for name, each in objects.items()}`, and the `**objects` of a function that the file
calls with keywords.
"""

from __future__ import annotations

import ast
from collections.abc import Collection

from samebits.source.module import FunctionNode, Module

_Pairs = list[tuple[ast.expr, ast.expr]]


class DictEntries:
    """The dicts of one module that are made of others' entries, each as if it were written out."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.names = module.names
        self._known: dict[ast.AST, ast.Dict | None] = {}

    def of_each(self, made: ast.DictComp) -> ast.Dict | None:
        """What a comprehension makes of a dict's entries, or of pairs, that are known."""
        if made not in self._known:
            self._known[made] = self._of_each(made)
        return self._known[made]

    def _of_each(self, made: ast.DictComp) -> ast.Dict | None:
        part = made.generators[0]
        if len(made.generators) > 1 or not isinstance(part.target, ast.Tuple) or len(part.target.elts) != 2:
            return None
        key, each = part.target.elts
        pairs = self._pairs(part.iter)
        if not isinstance(key, ast.Name) or not isinstance(each, ast.Name) or not pairs:
            return None
        keys: list[ast.expr | None] = []
        values: list[ast.expr] = []
        for name, value in pairs:
            keys.append(name if _is(made.key, key.id) else None)
            values.append(_put(made.value, each.id, value))
        if None in keys:  # a text that is made of the name
            keys = [ast.Constant(str(getattr(name, "value", ""))) for name, _ in pairs]
        return ast.Dict(keys, values)

    def _pairs(self, node: ast.expr) -> _Pairs:
        """Names and values that an iterable gives."""
        match node:
            case ast.Call(func=ast.Attribute(value=of, attr="items"), args=[]):
                whole = self._dict(of) or ast.Dict([], [])
                entries = zip(whole.keys, whole.values, strict=True)
                return [(key, value) for key, value in entries if key is not None]
            case ast.Tuple(elts=rows) | ast.List(elts=rows):
                pairs = [row.elts for row in rows if isinstance(row, ast.Tuple)]
                return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2]
            case ast.Name():
                values = self.names.values(node) or []
                return self._pairs(values[0]) if len(values) == 1 else []
            case _:
                return []

    def _dict(self, node: ast.expr) -> ast.Dict | None:
        match node:
            case ast.Dict():
                return node
            case ast.Call(args=[]) if self.names.called(node) == "dict":
                return _of_keywords(node)
            case ast.Name():
                values = self.names.values(node) or []
                return self._dict(values[0]) if len(values) == 1 else self.of_parameter(node)
            case _:
                return None

    def of_parameter(self, name: ast.Name) -> ast.Dict | None:
        """What the file gives for `**objects`, of the call that gives most."""
        home = self.names.home(name)
        if not isinstance(home, FunctionNode):
            return None
        given = home.args
        if given.kwarg is not None and given.kwarg.arg == name.id:
            if home not in self._known:
                named = {one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
                found = [
                    _of_keywords(call, named) for call, _, last in self.module.calls if last == home.name
                ]
                self._known[home] = max(found, key=lambda one: len(one.keys), default=None)
            return self._known[home]
        return None


def _of_keywords(call: ast.Call, but: Collection[str] = ()) -> ast.Dict:
    """The keywords of a call as a dict."""
    given = [(one.arg, one.value) for one in call.keywords if one.arg is not None and one.arg not in but]
    return ast.Dict([ast.Constant(name) for name, _ in given], [value for _, value in given])


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _method(of: ast.expr, attr: str, node: ast.Call) -> ast.Call:
    return ast.Call(ast.Attribute(of, attr, ast.Load()), node.args, node.keywords)


def _put(node: ast.expr, name: str, value: ast.expr) -> ast.expr:
    """An expression with another in place of a name; only calls and attributes are gone into."""
    match node:
        case ast.Name(id=of) if of == name:
            return value
        case ast.Call(func=ast.Attribute(value=inner, attr=attr)):
            put = ast.Call(
                ast.Attribute(_put(inner, name, value), attr, ast.Load()), node.args, node.keywords
            )
            return ast.copy_location(put, node)
        case ast.Attribute(value=inner, attr=attr):
            return ast.copy_location(ast.Attribute(_put(inner, name, value), attr, ast.Load()), node)
        case _:
            return node
