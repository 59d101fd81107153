"""Finds the objects that hold a training's state, from the program's variables, and names each by its path.

It follows the edges that `seeding.traversal` follows for generators.  Of the program's own objects
the plain values, the arrays and the tensors are state, too: counters, lists of what was, averages by hand.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import CellType, FunctionType, GeneratorType
from typing import Any, Final

from samebits.observe.census.content import PLAIN, digest
from samebits.seeding.adapters import adapter_of
from samebits.seeding.discovery import set_aside
from samebits.seeding.traversal import CONTAINERS, Traversal, generator
from samebits.seeding.traversal import PLAIN as UNSEEN
from samebits.usercode.files import is_user_file
from samebits.usercode.program import is_own_class

#: Objects looked through in one walk, and entries of one container.
_OBJECTS: Final = 20_000
_ENTRIES: Final = 256
#: Rows of a container that is a value by itself.
_ROWS: Final = 20_000
#: Attributes of torch's modules, whose parameters, buffers and children are looked at by themselves.
_OF_MODULES: Final = frozenset(
    {"_parameters", "_buffers", "_modules", "training", "_non_persistent_buffers_set"}
)


@dataclass(frozen=True, slots=True)
class Held:
    """An object that holds state.

    kind: "generator", "optimizer", "scheduler", "scaler", "module", "loader", "sampler", "tensor",
        "carried" (a tensor that a step computed, with its graph), "counter" (a plain value), "values" (a
        container of such)
    """

    kind: str
    path: str
    thing: Any


class Walk:
    """Breadth first, so that the first path found is the shortest.

    An object may answer whatever it is asked with an error, as numpy's bags do; it is passed over then.
    """

    def __init__(self, packages: Collection[str]) -> None:
        self._packages = packages
        self._traversal = Traversal(packages)
        self._own: dict[int, bool] = {}  # of a type, by its identity
        self._kinds: dict[int, str | None] = {}
        self._kept: list[type] = []  # keeps the types alive

    def __call__(self, variables: Iterable[tuple[str, Any]]) -> list[Held]:
        """What the variables lead to; each object once."""
        aside = set_aside()
        found: list[Held] = []
        seen: set[int] = set()
        queue: deque[tuple[str, Any, bool]] = deque()

        def meet(path: str, thing: Any, own: bool) -> None:
            kind = type(thing)
            if kind in PLAIN:
                if own:
                    found.append(Held("counter", path, thing))
                return
            if id(thing) in seen or (kind in UNSEEN):
                return
            what = self._what(kind)
            if what == "generator":
                adapter = adapter_of(thing)
                if adapter is None or adapter.identity in aside or adapter.identity in seen:
                    return
                seen.add(adapter.identity)
                found.append(Held("generator", path, thing))
                return
            if what == "tensor":
                if own and not getattr(thing, "is_meta", False):
                    seen.add(id(thing))
                    found.append(Held("tensor" if _is_state(thing) else "carried", path, thing))
                return
            seen.add(id(thing))
            if what is not None:
                found.append(Held(what, path, thing))
                if what == "module":
                    seen.update(map(id, thing.modules()))
                if what in ("optimizer", "scheduler", "scaler"):
                    return
            elif own and id(kind) in CONTAINERS and (values := _values(thing)) is not None:
                found.append(Held(values, path, thing))
                return
            queue.append((path, thing, own))

        for path, thing in variables:
            with suppress(Exception):
                meet(path, thing, True)
        while queue and len(seen) < _OBJECTS:
            path, thing, own = queue.popleft()
            with suppress(Exception):
                for name, child, owned in self._children(thing, own):
                    with suppress(Exception):
                        meet(f"{path}{name}", child, owned)
        return found

    def _children(self, thing: Any, own: bool) -> Iterable[tuple[str, Any, bool]]:
        kind = type(thing)
        what = self._what(kind)
        if what == "module":
            for name, module in thing.named_modules():
                if not self._is_own(type(module)):
                    continue
                start = f".{name}" if name else ""
                for key, value in list(vars(module).items()):
                    if key not in _OF_MODULES and not (key.startswith("_") and "_hooks" in key):
                        yield f"{start}.{key}", value, not key.startswith("_") or type(value) not in PLAIN
            return
        if id(kind) in CONTAINERS:
            if kind in (dict,) or isinstance(thing, dict):
                for key, value in list(thing.items())[:_ENTRIES]:
                    yield f"[{_key(key)}]", value, own
            else:
                for number, value in enumerate(list(thing)[:_ENTRIES]):
                    yield f"[{number}]", value, own
            return
        if isinstance(thing, type):
            if self._is_own(thing):
                for key, value in list(vars(thing).items()):
                    if not key.startswith("__") and not callable(value):
                        yield f".{key}", value, True
            return
        if isinstance(thing, GeneratorType):
            frame = thing.gi_frame
            if frame is not None and is_user_file(frame.f_code.co_filename):
                for key, value in list(frame.f_locals.items()):
                    yield f".{key}", value, True
            return
        if isinstance(thing, io.IOBase):
            if own and not thing.closed and thing.seekable() and thing.readable():
                yield ".tell()", thing.tell(), True
            return
        if self._is_own(kind) or (own and kind.__name__ in ("Namespace", "SimpleNamespace")):
            for key, value in list(getattr(thing, "__dict__", {}).items()):
                yield f".{key}", value, True
            yield "", kind, True
            slots = [vars(base)["__slots__"] for base in kind.__mro__ if "__slots__" in vars(base)]
            for names in slots:
                for key in (names,) if isinstance(names, str) else names:
                    if hasattr(thing, key):
                        yield f".{key}", getattr(thing, key), True
            if not slots:
                return
        expand = self._traversal.of(kind)
        if expand is None or expand is generator:
            return
        for style, name, child in expand(thing):
            if not isinstance(child, type):
                written = {"attribute": f".{name}", "entry": f"[{name}]"}.get(style, "")
                # What a function of the program's closes over is the program's.
                yield written, child, isinstance(thing, FunctionType | CellType) and own

    def _is_own(self, kind: type) -> bool:
        known = self._own.get(id(kind))
        if known is None:
            known = self._own[id(kind)] = any(is_own_class(base, self._packages) for base in kind.__mro__)
            self._kept.append(kind)
        return known

    def _what(self, kind: type) -> str | None:
        if id(kind) not in self._kinds:
            self._kinds[id(kind)] = self._classified(kind)
            self._kept.append(kind)
        return self._kinds[id(kind)]

    def _classified(self, kind: type) -> str | None:
        import torch
        from torch.optim import lr_scheduler
        from torch.utils.data import DataLoader, Sampler

        if self._traversal.of(kind) is generator:
            return "generator"
        if issubclass(kind, torch.Tensor) or (
            hasattr(kind, "__array_interface__") and hasattr(kind, "tobytes") and hasattr(kind, "dtype")
        ):
            return "tensor"
        schedulers = (lr_scheduler.LRScheduler, lr_scheduler.ReduceLROnPlateau)
        rows: tuple[tuple[str, Any], ...] = (
            ("optimizer", torch.optim.Optimizer),
            ("scheduler", schedulers),
            ("module", torch.nn.Module),
            ("loader", DataLoader),
            ("sampler", Sampler),
        )
        for name, classes in rows:
            if issubclass(kind, classes):
                return name
        names = {base.__name__ for base in kind.__mro__}
        if "GradScaler" in names:
            return "scaler"
        return None


def _key(key: Any) -> str:
    """A key, as a path has it; a long one may be a secret."""
    text = repr(key) if type(key) in PLAIN else type(key).__name__
    return text if len(text) <= 40 else f"#{digest(key)}"


def _is_state(tensor: Any) -> bool:
    """Not what a step computes on its way: that has a graph behind it."""
    return getattr(tensor, "grad_fn", None) is None and not getattr(tensor, "is_meta", False)


def _values(container: Any) -> str | None:
    """ "values" of a container of plain values or of rows of such, "tensor" of one of tensors; else None."""
    import torch

    entries = list(container.values()) if isinstance(container, dict) else list(container)
    if not entries:
        return "values"
    some = entries[:64] + entries[-64:]
    if all(type(entry) in PLAIN for entry in some):
        # Each of a few named values is a counter of its own.
        return None if isinstance(container, dict) and len(entries) <= 32 else "values"
    kinds = [type(entry) for entry in some]  # an entry itself may answer with an error
    if all(issubclass(kind, torch.Tensor) or hasattr(kind, "__array_interface__") for kind in kinds):
        return "tensor" if all(_is_state(entry) for entry in some) else None
    rows = all(kind in (tuple, list, dict) for kind in kinds) and all(_is_row(entry) for entry in some)
    return "values" if rows and len(entries) <= _ROWS else None


def _is_row(entry: Any, depth: int = 3) -> bool:
    """Whether an entry is of plain values, tensors and containers of such, as a replay buffer's are."""
    import torch

    kind = type(entry)
    if kind in PLAIN:
        return True
    if issubclass(kind, torch.Tensor) or hasattr(kind, "__array_interface__"):
        return _is_state(entry)
    if kind not in (tuple, list, dict) or depth == 0:
        return False
    inner = list(entry.values()) if kind is dict else entry
    return all(_is_row(one, depth - 1) for one in inner[:16])
