"""Where a clock decides in source: how long a loop goes on, what is chosen, which learning rate is used.

A reading is followed through the variables, attributes and functions of its file.  What only shows, waits or
polls is left out: a progress bar, a log line every ten seconds, the time-out of a request.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, NamedTuple

from samebits.causes._nodes import is_property
from samebits.model import calls
from samebits.source.module import FunctionNode, Module, last_name

_CLOCKS: Final = frozenset(
    {f"time.{name}" for name in calls.CLOCKS}
    | {"time.thread_time", "timeit.default_timer", "datetime.datetime.now", "datetime.datetime.utcnow"}
    | {"datetime.datetime.today", "time.clock", "datetime.date.today", "pandas.Timestamp.now"}
    | {"pandas.Timestamp.today", "pandas.Timestamp.utcnow"}
)
#: Functions of numbers.
_NUMERIC: Final = ("math.", "numpy.", "torch.")
_PARTS: Final = frozenset(
    {"total_seconds", "timestamp", "date", "replace", "isoformat", "strftime", "toordinal"}
)
_ORDERS: Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_DEPTH: Final = 12
#: What waits, or asks whether something else is done: a loop around it has a time-out.
WAITS: Final = frozenset(
    {"sleep", "wait", "poll", "recv", "accept", "connect", "urlopen", "is_alive", "select", "get_nowait"}
    | {"empty", "kill", "terminate", "communicate", "is_set", "qsize", "exists", "isfile", "ready", "waitpid"}
    | {"is_file", "check_output", "acquire", "get_event", "recv_multipart", "readline", "is_completed"}
    | {"waitKey", "input", "barrier", "check_call", "Popen"}
)
_RATES: Final = frozenset({"lr", "learning_rate", "initial_lr", "momentum", "weight_decay", "base_lr"})
#: What a flag is called that ends a loop.
_STOPS: Final = (
    *("stop", "done", "finish", "end", "exit", "quit", "timeout", "time_out", "timed_out", "break", "over"),
)
_CHOOSERS: Final = frozenset({"min", "max", "sorted"})
_ARGUMENTS: Final = frozenset(
    {"numpy.argmin", "numpy.argmax", "torch.argmin", "torch.argmax", "numpy.argsort"}
)


class Decision(NamedTuple):
    """Where a clock decides.

    Attributes:
        node: the comparison, or what is computed.
        reading: of a clock.
        does: what it decides, as the end of a sentence.
        returned_by: the function that returns the comparison, and decides by itself nothing.
    """

    node: ast.expr | ast.stmt
    reading: ast.Call
    does: str
    returned_by: str | None = None


class ClockUses:
    """The readings of clocks of one module."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.names = module.names
        self._kept: dict[str, list[ast.expr]] | None = None
        self._tests: dict[tuple[FunctionNode | None, str], list[ast.While | ast.If]] | None = None
        self._known: dict[ast.expr, ast.Call | None] = {}

    def decisions(self) -> Iterator[Decision]:
        if not any(name in _CLOCKS for _, name, _ in self.module.calls):
            return
        for node in self.module.every(ast.Compare):
            if all(isinstance(op, _ORDERS) for op in node.ops):
                reading = self.reading(node.left) or next(
                    (found for each in node.comparators if (found := self.reading(each))), None
                )
                if reading is not None:
                    yield from self._compared(node, reading)
        for assign in self.module.every(ast.Assign):
            if any(_setting(target) in _RATES for target in assign.targets):
                reading = self.reading(assign.value)
                if reading is not None:
                    yield Decision(assign, reading, "a setting of the optimizer")

    # -- values

    def reading(self, node: ast.expr, depth: int = 0) -> ast.Call | None:
        """The reading of a clock that a number is made of."""
        if depth > _DEPTH:
            return None
        if node not in self._known:
            self._known[node] = None  # of a variable that is made of itself
            self._known[node] = self._reading(node, depth)
        return self._known[node]

    def _reading(self, node: ast.expr, depth: int) -> ast.Call | None:
        match node:
            case ast.Call():
                name = self.names.called(node)
                if name in _CLOCKS:
                    return node
                if (function := self._function(node)) is not None:
                    return self._returned(function, depth)
                number = name in ("min", "max", "int", "float", "round", "abs", "str", "pow")
                if (
                    number
                    or (name is not None and name.startswith(_NUMERIC))
                    or last_name(node.func) in _PARTS
                ):
                    inner = [*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
                    return next((found for one in inner if (found := self.reading(one, depth + 1))), None)
                return None
            case ast.Name():
                values = self.names.values(node) or ()
                return next((found for one in values if (found := self.reading(one, depth + 1))), None)
            case ast.Attribute(attr="seconds" | "days"):
                return self.reading(node.value, depth + 1)
            case ast.Attribute(value=ast.Name(id="self")):
                kept = self._attributes().get(node.attr, ())
                return next((found for one in kept if (found := self.reading(one, depth + 1))), None)
            case ast.BinOp():
                return self.reading(node.left, depth + 1) or self.reading(node.right, depth + 1)
            case ast.UnaryOp():
                return self.reading(node.operand, depth + 1)
            case ast.IfExp():
                return self.reading(node.body, depth + 1) or self.reading(node.orelse, depth + 1)
            case _:
                return None

    def _attributes(self) -> dict[str, list[ast.expr]]:
        if self._kept is None:
            self._kept = {}
            for node in self.module.every(ast.Assign):
                for target in node.targets:
                    match target:
                        case ast.Attribute(value=ast.Name(id="self"), attr=name):
                            self._kept.setdefault(name, []).append(node.value)
                        case _:
                            pass
        return self._kept

    def _function(self, call: ast.Call) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The function of the file that a call runs."""
        function = call.func
        if isinstance(function, ast.Name):
            found = self.names.definition(function)
            return found if isinstance(found, FunctionNode) else None
        match function:
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                of = self.module.class_of(call)
                for each in of.body if of is not None else ():
                    if isinstance(each, FunctionNode) and each.name == name:
                        return each
            case _:
                pass
        return None

    def _returned(self, function: ast.FunctionDef | ast.AsyncFunctionDef, depth: int) -> ast.Call | None:
        for node in self.module.within(function):
            if not isinstance(node, ast.Return) or node.value is None:
                continue
            if not isinstance(node.value, ast.Compare) and (found := self.reading(node.value, depth + 1)):
                return found
        return None

    # -- what is done with them

    def _compared(self, node: ast.Compare, reading: ast.Call) -> Iterator[Decision]:
        above = self._test_of(node)
        if self._picks(node):
            yield Decision(node, reading, "which rows are taken")
            return
        if isinstance(above, ast.Return):
            function = self.module.function(node)
            if function is not None and is_property(function):
                yield from self._asked(node, reading, function.name)
            elif function is not None:
                yield Decision(node, reading, "whether a loop goes on", self.module.qualname(function))
            return
        if "timeout" in self.module.source(node).lower():
            return  # of what is waited for
        if (does := self.does(above)) is not None:
            yield Decision(node, reading, does)

    def _asked(self, node: ast.Compare, reading: ast.Call, name: str) -> Iterator[Decision]:
        """What a property decides that returns a comparison: where the file asks for it."""
        for read in self.module.every(ast.Attribute):
            of_it = read.attr == name and isinstance(read.ctx, ast.Load)
            if of_it and (does := self.does(self._test_of(read))) is not None:
                yield Decision(node, reading, does)
                return

    def _picks(self, node: ast.Compare) -> bool:
        """Whether a comparison is a mask over rows: `frame[frame["day"] >= first]`."""
        for above in self.names.parents(node):
            if isinstance(above, ast.Subscript):
                return isinstance(node.left, ast.Subscript | ast.Attribute)
            if isinstance(above, ast.comprehension):
                return node in above.ifs and not self._about_files(above)
            if not isinstance(above, ast.BoolOp | ast.BinOp | ast.UnaryOp):
                return False
        return False

    def _about_files(self, node: ast.comprehension) -> bool:
        """Whether elements are files, or what waits: old ones are cleaned up by their age."""
        words = ("mtime", "stat", "path", "file", "queue", "pending", "process", "worker", "cache", "ckpt")
        text = " ".join(self.module.source(each) for each in (node.iter, *node.ifs)).lower()
        return any(word in text for word in words)

    def _test_of(self, node: ast.expr) -> ast.AST | None:
        """The statement, or expression of alternatives, whose condition an expression is."""
        below: ast.AST = node
        for above in self.names.parents(node):
            if isinstance(above, ast.BoolOp | ast.UnaryOp):
                below = above
                continue
            if isinstance(above, ast.While | ast.If | ast.IfExp):
                return above if above.test is below else None
            if isinstance(above, ast.Assign | ast.Return):
                return above
            return None
        return None

    def does(self, above: ast.AST | None) -> str | None:
        """What a condition decides."""
        match above:
            case ast.While():
                return None if self._waits(above) else "how many turns the loop takes"
            case ast.If():
                return self._branch(above)
            case ast.Assign(targets=[target]):
                name = _setting(target)
                if name is not None and name.lower().startswith(
                    ("should_stop", "stop", "done", "out_of_time")
                ):
                    return None if self._waits(above) else "whether the loop goes on"
                if isinstance(target, ast.Name):
                    return self._flag(target)
                return None
            case ast.IfExp():
                inner = self.names.parent(above)
                if isinstance(inner, ast.Assign) and any(_setting(one) in _RATES for one in inner.targets):
                    return "a setting of the optimizer"
                return None
            case _:
                return None

    def _flag(self, target: ast.Name) -> str | None:
        """What a variable that holds a comparison decides in its function."""
        if self._tests is None:
            self._tests = {}
            for node in self.module.every(ast.Name):
                above = self._test_of(node) if isinstance(node.ctx, ast.Load) else None
                if isinstance(above, ast.While | ast.If):
                    self._tests.setdefault((self.module.function(node), node.id), []).append(above)
        tests = self._tests.get((self.module.function(target), target.id), ())
        return next((does for above in tests if (does := self.does(above)) is not None), None)

    def _branch(self, node: ast.If) -> str | None:
        for each in node.body:
            for inner in (each, *_below(each)):
                match inner:
                    case ast.Break():
                        loop = next(iter(self.module.loops(node)), None)
                        if loop is not None and not self._waits(loop):
                            return "how many turns the loop takes"
                    case ast.Return():
                        loop = next(iter(self.module.loops(node)), None)
                        if loop is not None and not self._waits(loop):
                            return "how many turns the loop takes"
                    case ast.Assign(targets=[target]) if (name := _setting(target)) is not None:
                        if name in _RATES:
                            return "a setting of the optimizer"
                        if name.lower().startswith(_STOPS) or name.lower().endswith(_STOPS):
                            stops = isinstance(inner.value, ast.Constant) and isinstance(
                                inner.value.value, bool
                            )
                            if stops and any(True for _ in self.module.loops(node)) and not self._waits(node):
                                return "whether the loop goes on"
                        if name == "should_training_stop" or name == "should_stop":
                            return "whether training goes on"
                    case _:
                        pass
        return None

    def _waits(self, scope: ast.AST) -> bool:
        """Whether a loop waits for something else, or only for a time."""
        loop = scope
        if not isinstance(scope, ast.While | ast.For | ast.AsyncFor):
            loop = next(iter(self.module.loops(scope)), scope)
        busy = False
        for node in _below(loop):
            if isinstance(node, ast.Call):
                last = last_name(node.func)
                if last in WAITS or "request" in last.lower() or last.startswith(("wait", "poll")):
                    return True
                busy = busy or self.names.called(node) not in _CLOCKS
            if isinstance(node, ast.Await):
                return True
        return (
            isinstance(loop, ast.While)
            and not busy
            and bool(loop.body)
            and all(isinstance(each, ast.Pass) for each in loop.body)
            and self.module.function(loop) is not None
        )

    # -- alternatives

    def choices(self) -> Iterator[Decision]:
        """Where the fastest of several alternatives, by measured times, is taken."""
        if not any(name in _CLOCKS for _, name, _ in self.module.calls):
            return
        for call, name, last in self.module.calls:
            chooses = name in _CHOOSERS or name in _ARGUMENTS
            if not chooses or not call.args:
                continue
            key = next((given.value for given in call.keywords if given.arg == "key"), None)
            held = self._timed(call.args[0])
            if held is None and isinstance(key, ast.Attribute) and key.attr in ("get", "__getitem__"):
                held = self._timed(key.value)
            if held is None and isinstance(key, ast.Name | ast.Lambda):
                held = self._timed_by(key)
            if held is None:
                continue
            above = self.names.parent(call)
            if isinstance(above, ast.Call) and self.names.called(above) == "print":
                continue
            by_index = isinstance(above, ast.Call) and last_name(above.func) == "index"
            if name in _ARGUMENTS or key is not None or by_index:
                yield Decision(call, held, f"which one {last}() takes")

    def _timed(self, node: ast.expr) -> ast.Call | None:
        """The clock by which the elements of a container were timed."""
        if isinstance(node, ast.Call) and last_name(node.func) in ("items", "values"):
            node = node.func.value if isinstance(node.func, ast.Attribute) else node
        if isinstance(node, ast.DictComp):
            return self.reading(node.value)
        if isinstance(node, ast.ListComp | ast.GeneratorExp):
            return self.reading(node.elt)
        if not isinstance(node, ast.Name):
            return None
        for value in self.names.values(node) or ():
            if isinstance(value, ast.DictComp | ast.ListComp) and (found := self._timed(value)):
                return found
            if isinstance(value, ast.List | ast.Tuple):
                for each in value.elts:
                    if (found := self.reading(each)) is not None:
                        return found
        scope = self.module.function(node) or self.module.tree
        for inner in self.module.within(scope):
            match inner:
                case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=node.id))]):
                    found = self.reading(inner.value)
                case ast.Call(func=ast.Attribute(value=ast.Name(id=node.id), attr="append"), args=[given]):
                    elements = given.elts if isinstance(given, ast.Tuple) else [given]
                    found = next((one for each in elements if (one := self.reading(each))), None)
                case _:
                    continue
            if found is not None:
                return found
        return None

    def _timed_by(self, key: ast.expr) -> ast.Call | None:
        """The clock that a function reads by which elements are compared."""
        if isinstance(key, ast.Lambda):
            return self.reading(key.body)
        if isinstance(key, ast.Name) and isinstance(made := self.names.definition(key), FunctionNode):
            return self._returned(made, 0)
        return None


def _below(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below one, those of functions in it left out."""
    pending = list(ast.iter_child_nodes(node))
    while pending:
        one = pending.pop()
        yield one
        if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            pending.extend(ast.iter_child_nodes(one))


def _setting(target: ast.expr) -> str | None:
    """The last name of what is assigned to: `lr` of `group["lr"]`."""
    match target:
        case ast.Name():
            return target.id
        case ast.Attribute():
            return target.attr
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            return key
        case _:
            return None
