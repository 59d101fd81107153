"""Seeds that source makes of entropy: of a clock, a process id, `uuid`, `urandom`, `secrets`.

A seed is followed from the call that takes it through variables, attributes and functions of its file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, NamedTuple

from samebits.causes._objects import is_empty
from samebits.model import calls
from samebits.source.module import FunctionNode, Module

_SOURCES: Final = frozenset(
    {f"time.{name}" for name in calls.CLOCKS}
    | {f"os.{name}" for name in calls.OS_ENTROPY}
    | {f"uuid.{name}" for name in calls.UUIDS}
    | {f"secrets.{name}" for name in (*calls.SECRETS, "choice")}
    | {"time.thread_time", "time.clock", "os.times", "random.SystemRandom", "secrets.SystemRandom"}
    | {"multiprocessing.current_process", "threading.get_ident", "threading.get_native_id"}
    | {f"datetime.datetime.{name}" for name in calls.DATETIME}
    | {"datetime.date.today", "timeit.default_timer"}
)
_MODULES: Final = ("time", "uuid", "secrets", "urandom", "getpid", "getrandom", "SystemRandom", "get_ident")
#: Functions that seed from entropy when they are given nothing, and which generator.
_ALONE: Final = {
    "random.seed": "Python's random",
    "numpy.random.seed": "numpy's global generator",
    "torch.seed": "torch's generators",
    "torch.random.seed": "torch's generators",
    "torch.cuda.seed": "the generator of the current CUDA device",
    "torch.cuda.seed_all": "the generators of all CUDA devices",
    "torch.cuda.random.seed": "the generator of the current CUDA device",
    "torch.cuda.random.seed_all": "the generators of all CUDA devices",
    "torch.mps.seed": "the generator of MPS",
}
_MAKERS: Final = frozenset(
    {"random.Random", "jax.random.PRNGKey", "jax.random.key"}
    | {f"numpy.random.{name}" for name in (*calls.NUMPY_GENERATORS, *calls.BIT_GENERATORS)}
)
_KEYWORDS: Final = frozenset({"seed", "random_state", "random_seed", "manual_seed", "rng_seed"})
#: Calls whose name has "seed" in it, and that seed nothing.
_NO_SEEDERS: Final = (
    "initial_seed",
    "seeder",
    "get_seed",
    "make_seed",
    "new_seed",
    "generate_seed",
    "create_seed",
)
_DEPTH: Final = 6
_SHOWN: Final = frozenset(
    {"print", "info", "warning", "debug", "log", "write", "dump", "save", "save_hyperparameters", "echo"}
    | {"warn", "add_text", "critical", "log_hyperparams", "rank_zero_info"}
)


class Seeding(NamedTuple):
    """A call that seeds from entropy.

    Attributes:
        call: that takes the seed.
        of: what is seeded.
        source: the reading, and None where nothing is given to the call.
    """

    call: ast.Call
    of: str
    source: ast.Call | None


class EntropySeeds:
    """The seeds of one module."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.names = module.names
        self._attributes: dict[str, list[ast.expr]] | None = None
        self._shown: set[str] | None = None  # names that are printed, logged or saved

    def seedings(self) -> Iterator[Seeding]:
        known = any(word in self.module.text for word in _MODULES)
        for call, name, last in self.module.calls:
            if name in _ALONE and is_empty(call):
                yield Seeding(call, _ALONE[name], None)
            elif last == "seed" and not call.args and not call.keywords and self._is_generator(call):
                yield Seeding(call, "a torch.Generator", None)
            elif known:
                for value in self._given(call, name, last):
                    source = self.source(value)
                    if source is not None:
                        yield Seeding(call, _called(name, last), source)
                        break

    def _is_generator(self, call: ast.Call) -> bool:
        if not isinstance(call.func, ast.Attribute):
            return False
        made = call.func.value
        if isinstance(made, ast.Name):
            values = self.names.values(made) or []
            made = values[0] if len(values) == 1 else made
        return self.names.called(made) == "torch.Generator"

    def _given(self, call: ast.Call, name: str | None, last: str) -> Iterator[ast.expr]:
        """What a call gets for a seed."""
        lower = last.lower()
        if name in _MAKERS or ("seed" in lower and not lower.startswith(_NO_SEEDERS)):
            if name is not None and name.startswith(("time.", "os.")):
                return
            yield from call.args
            yield from (given.value for given in call.keywords)
            return
        for given in call.keywords:
            if given.arg in _KEYWORDS:
                yield given.value

    # -- where a value comes from

    def source(self, node: ast.expr, depth: int = 0) -> ast.Call | None:
        """The reading of entropy that a number is made of."""
        if depth > _DEPTH:
            return None
        match node:
            case ast.Constant() | ast.Lambda() | ast.Compare():
                return None
            case ast.Call():
                return self._of_call(node, depth)
            case ast.Name():
                for value in self._values(node):
                    found = self.source(value, depth + 1)
                    if found is not None and not self._told(node, value):
                        return found
                return None
            case ast.Attribute():
                text = _path(node)
                for value in self._assigned(text) if text else ():
                    found = self.source(value, depth + 1)
                    if found is not None and not self._told(node, value):
                        return found
                return self.source(node.value, depth + 1)
            case ast.IfExp():
                return self.source(node.body, depth + 1) or self.source(node.orelse, depth + 1)
            case _:
                pass
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr) and (found := self.source(child, depth + 1)) is not None:
                return found
        return None

    def _of_call(self, node: ast.Call, depth: int) -> ast.Call | None:
        name = self.names.called(node)
        if name in _SOURCES:
            return node
        if name is None and isinstance(node.func, ast.Name):
            made = self.names.definition(node.func)
            if isinstance(made, FunctionNode):
                return self._returned(made, depth)
        if name is None or name.partition(".")[0] in ("int", "abs", "round", "hash", "str", "float", "zlib"):
            pass
        elif not name.startswith(
            ("numpy.", "torch.", "math.", "hashlib.", "binascii.", "struct.", "datetime.")
        ):
            return None
        if isinstance(node.func, ast.Attribute):
            found = self.source(node.func.value, depth + 1)
            if found is not None:
                return found
        for given in node.args:
            if (found := self.source(given, depth + 1)) is not None:
                return found
        return None

    def _returned(self, function: ast.FunctionDef | ast.AsyncFunctionDef, depth: int) -> ast.Call | None:
        for node in self.module.within(function):
            if isinstance(node, ast.Return) and node.value is not None:
                found = self.source(node.value, depth + 1)
                if found is not None:
                    return found
        return None

    def _values(self, name: ast.Name) -> list[ast.expr]:
        values = self.names.values(name)
        if values is not None:
            return values
        function = self.module.function(name)  # `seed=None` of a parameter, and then a value
        if function is None:
            return []
        return [
            node.value
            for node in self.module.within(function)
            if isinstance(node, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id == name.id for target in node.targets)
        ]

    def _assigned(self, text: str) -> list[ast.expr]:
        """What the file assigns to an attribute, as it is written."""
        if self._attributes is None:
            self._attributes = {}
            for node in self.module.every(ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Attribute) and (path := _path(target)):
                        self._attributes.setdefault(path, []).append(node.value)
        return self._attributes.get(text, [])

    def _told(self, held: ast.Name | ast.Attribute, value: ast.expr) -> bool:
        """Whether a number is drawn only where none is given, and is printed or kept."""
        if not self._asked(value):
            return False
        last = held.id if isinstance(held, ast.Name) else held.attr
        if self._shown is None:
            self._shown = {
                inner.id if isinstance(inner, ast.Name) else inner.attr
                for call, _, name in self.module.calls
                if name in _SHOWN
                for given in (*call.args, *(one.value for one in call.keywords))
                for inner in ast.walk(given)
                if isinstance(inner, ast.Name | ast.Attribute)
            }
        return last in self._shown

    def _asked(self, value: ast.expr) -> bool:
        """Whether a value is taken only by a condition that asks for one that is given."""
        if isinstance(value, ast.IfExp | ast.BoolOp):
            return True
        for above in self.names.parents(value):
            if isinstance(above, ast.If):
                return True
            if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef):
                return False
        return False


def _path(node: ast.expr) -> str | None:
    """An attribute as it is written: "self.args.seed"."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        above = _path(node.value)
        return f"{above}.{node.attr}" if above else None
    return None


def _called(name: str | None, last: str) -> str:
    return f"{name or last}()"
