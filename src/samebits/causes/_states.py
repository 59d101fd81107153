"""What source puts together and saves to go on from: the states of a model, an optimizer, of generators."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from samebits.causes._entries import DictEntries
from samebits.source.module import FunctionNode, Module, last_name

#: What a state of generators is called, or the call that gives it.
RNG: Final = re.compile(
    r"rng|random_?state|rand_?state|getstate|get_state\b|random_states|capture_rng|generator_state|seed_state",
    re.IGNORECASE,
)
_OPTIMIZER: Final = re.compile(r"optim|(^|_)opts?(_|$|imizer)|(^|_)opt[gd]?\d?$", re.IGNORECASE)
_NO_MODEL: Final = re.compile(
    r"optim|sched|scaler|amp|rng|random|epoch|step|iter|(^|_)opt|args|config|cfg|loss|acc|best|loader|sampler|ema_decay",
    re.IGNORECASE,
)
_MODEL: Final = re.compile(
    r"model|net|state_dict|weight|encoder|decoder|generator|discriminator|param|module|policy|actor|critic|agent|ema",
    re.IGNORECASE,
)
#: What writes a state to a file, by full name.
SAVES: Final = frozenset(
    {
        "torch.save",
        "pickle.dump",
        "joblib.dump",
        "cloudpickle.dump",
        "dill.dump",
        "torch.distributed.checkpoint.save",
    }
    | {"torch.distributed.checkpoint.save_state_dict", "torch.distributed.checkpoint.async_save", "xm.save"}
    | {"torch_xla.core.xla_model.save"}
)
#: What is called, by the last name, where a state is handed on to be saved.
_SAVERS: Final = re.compile(r"save|checkpoint|ckpt|snapshot|dump|write_state|persist", re.IGNORECASE)
_DEPTH: Final = 4
#: Methods whose library saves the generators' states itself.
_WHOLE: Final = frozenset({"save_state", "save_pretrained", "save_model"})


@dataclass(slots=True)
class State:
    """A state that is saved.

    Attributes:
        node: the call that saves it, or hands it on; else where it is put together.
        model, optimizer: whether it has the state of one.
        rng: whether it has one of generators, or something that may be.
        texts: what else is put into it, as it is written.
    """

    node: ast.expr | ast.stmt
    model: bool = False
    optimizer: bool = False
    rng: bool = False
    spread: list[ast.expr] = field(default_factory=list)


class States:
    """The states that one module saves."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.names = module.names
        self.entries = DictEntries(module)

    def saved(self) -> Iterator[State]:
        done: set[ast.AST] = set()
        apart: dict[ast.AST, State] = {}
        for call, name, last in self.module.calls:
            if name not in SAVES and (last in _WHOLE or not _SAVERS.search(last) or _loads(last)):
                continue
            for given in (*call.args, *(one.value for one in call.keywords)):
                made = self._made(given)
                if made is not None:
                    if made in done:
                        break
                    state = self._of(made, given, call)
                    if state.model and state.optimizer:
                        done.add(made)
                        yield state
                        break
                elif name in SAVES and given is (call.args[0] if call.args else given):
                    yield from self._apart(apart, call, given)

    def _apart(self, apart: dict[ast.AST, State], call: ast.Call, given: ast.expr) -> Iterator[State]:
        """The model's state in one file and the optimizer's in another, both saved by one function."""
        scope = self.module.function(call) or self.module.tree
        state = apart.setdefault(scope, State(call))
        if not (isinstance(given, ast.Call) and last_name(given.func) == "state_dict"):
            state.rng = state.rng or self._is_rng(given)
            return
        before = state.model and state.optimizer
        self._value(state, None, given)
        if state.optimizer and not before and _is_optimizer(given):
            state.node = call
        if state.model and state.optimizer and not before:
            yield state

    def returned(self) -> Iterator[tuple[State, ast.FunctionDef | ast.AsyncFunctionDef]]:
        """The states that functions return, and that somebody may save."""
        for node in self.module.every(ast.Return):
            function = self.module.function(node)
            made = None if node.value is None else self._made(node.value)
            if function is None or node.value is None or made is None or isinstance(made, ast.Tuple):
                continue
            state = self._of(made, node.value, node)
            if state.model and state.optimizer:
                yield state, function

    def _made(self, given: ast.expr, depth: int = 0) -> ast.expr | None:
        """Where a state is put together: a dict, a tuple, a list, an object of fields."""
        if depth > _DEPTH:
            return None
        if isinstance(given, ast.DictComp):
            return self.entries.of_each(given)
        if isinstance(given, ast.Name):
            if (whole := self.entries.of_parameter(given)) is not None:
                return whole
            found = (self._made(value, depth + 1) for value in self._values(given))
            return next((made for made in found if made is not None), None)
        if _is_container(self.names.called(given), given):
            return given
        if isinstance(given, ast.Call):
            if last_name(given.func) in ("asdict", "vars", "deepcopy") and given.args:
                return self._made(given.args[0], depth + 1)
            function = self._function(given)
            if function is not None:
                for node in self.module.within(function):
                    if isinstance(node, ast.Return) and node.value is not None:
                        return self._made(node.value, depth + 1)
        return None

    def _function(self, call: ast.Call) -> FunctionNode | None:
        """The function of the file that a call runs."""
        if isinstance(call.func, ast.Name):
            found = self.names.definition(call.func)
            return found if isinstance(found, FunctionNode) else None
        match call.func:
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                of = self.module.class_of(call)
                for each in of.body if of is not None else ():
                    if isinstance(each, FunctionNode) and each.name == name:
                        return each
            case _:
                pass
        return None

    def _values(self, name: ast.Name) -> list[ast.expr]:
        values = self.names.values(name)
        if values is not None:
            return values
        function = self.module.function(name) or self.module.tree
        return [
            node.value
            for node in self.module.within(function)
            if isinstance(node, ast.Assign)
            and any(isinstance(one, ast.Name) and one.id == name.id for one in node.targets)
        ]

    def _of(self, made: ast.expr, given: ast.expr, call: ast.Call | ast.Return) -> State:
        state = State(call)
        self._fill(state, made)
        above = self.names.parent(made)
        if not isinstance(given, ast.Name) and isinstance(above, ast.Assign):
            given = above.targets[0]  # of another function, or of a copy
        if isinstance(given, ast.Name):
            scope = self.module.function(given) or self.module.tree
            for node in self.module.within(scope):
                match node:
                    case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=given.id), slice=key)]):
                        self._value(state, _text(key), node.value)
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name(id=given.id), attr="update" | "setdefault")
                    ):
                        for each in node.args:
                            self._fill(state, each)
                        for one in node.keywords:
                            self._value(state, one.arg, one.value)
                    case ast.AugAssign(target=ast.Name(id=given.id), op=ast.BitOr()):
                        self._fill(state, node.value)
                    case ast.Call() if node is not call and given.id in _plain_names(node):
                        state.rng = state.rng or self._is_rng(node.func)  # `add_rng_state(state)`
                    case _:
                        pass
        return state

    def _fill(self, state: State, made: ast.expr) -> None:
        match made:
            case ast.Dict():
                for key, value in zip(made.keys, made.values, strict=True):
                    if key is None:
                        self._spread(state, value)
                    else:
                        self._value(state, _text(key), value)
            case ast.Tuple() | ast.List():
                for value in made.elts:
                    self._value(state, None, value)
            case ast.Call():
                if not _is_container(self.names.called(made), made):
                    self._spread(state, made)
                    return
                for given in made.args:
                    self._fill(state, given)
                for one in made.keywords:
                    if one.arg is None:
                        self._spread(state, one.value)
                    else:
                        self._value(state, one.arg, one.value)
            case _:
                self._spread(state, made)

    def _spread(self, state: State, value: ast.expr) -> None:
        """Another state that is put into it: what it has is known by its name at most."""
        state.spread.append(value)
        state.rng = state.rng or self._is_rng(value)
        if isinstance(value, ast.Name) and (made := self._made(value)) is not None:
            self._fill(state, made)

    def _value(self, state: State, key: str | None, value: ast.expr) -> None:
        if (key is not None and RNG.search(key)) or self._is_rng(value):
            state.rng = True
            return
        held = _held(value)
        if key is None and held is None:
            return
        if isinstance(value, ast.Constant):
            return
        if (key is not None and "optim" in key.lower() and "lr" not in key) or (
            held is not None and _OPTIMIZER.search(held)
        ):
            state.optimizer = True
        elif (held is not None and not _NO_MODEL.search(held)) or (
            key is not None and not _NO_MODEL.search(key) and _MODEL.search(key)
        ):
            state.model = True

    def _is_rng(self, node: ast.expr) -> bool:
        """Whether an expression gives a state of generators, or has one in it, by its names."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name | ast.Attribute):
                if RNG.search(inner.id if isinstance(inner, ast.Name) else inner.attr):
                    return True
            elif isinstance(inner, ast.Constant) and isinstance(inner.value, str) and RNG.search(inner.value):
                return True
        return False


def _is_container(name: str | None, node: ast.expr) -> bool:
    if isinstance(node, ast.Dict | ast.Tuple | ast.List):
        return True
    if not isinstance(node, ast.Call):
        return False
    if name == "dict" or last_name(node.func) == "OrderedDict":
        return True
    return (
        sum(_held(one.value) is not None for one in node.keywords) > 1
    )  # `Snapshot(model=..., optimizer=...)`


def _loads(last: str) -> bool:
    return "load" in last.lower() or last.lower().startswith(("get", "find", "latest", "is_", "has_"))


def _is_optimizer(given: ast.expr) -> bool:
    held = _held(given)
    return held is not None and _OPTIMIZER.search(held) is not None


def _held(value: ast.expr) -> str | None:
    """The last name of what an expression takes the `state_dict()` of."""
    for inner in ast.walk(value):
        if isinstance(inner, ast.Call) and last_name(inner.func) == "state_dict":
            of = inner.func.value if isinstance(inner.func, ast.Attribute) else None
            while isinstance(of, ast.Attribute | ast.Subscript | ast.Call):
                if isinstance(of, ast.Attribute) and of.attr != "module":
                    return of.attr
                of = of.func if isinstance(of, ast.Call) else of.value
            return of.id if isinstance(of, ast.Name) else None
    return None


def _text(key: ast.expr) -> str | None:
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None


def _plain_names(call: ast.Call) -> set[str]:
    return {given.id for given in call.args if isinstance(given, ast.Name)}
