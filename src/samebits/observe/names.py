"""Names for modules and parameters: the path from a root module, as `named_parameters` spells it.

A script never tells where its model is, so the roots are found once by asking the garbage collector
for every `nn.Module` that no other one contains, and again when something unknown turns up.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import torch

_WRAPPERS: Final = ("OptimizedModule", "DistributedDataParallel", "DataParallel")


class Names:
    """``forget`` is called with the address of a module that died, since its address may be used again."""

    def __init__(self, forget: Callable[[int], None]) -> None:
        self._forget = forget
        #: By name of a module, its class.
        self.classes: dict[str, str] = {}
        self._modules: dict[int, str] = {}
        # A name holds as long as its parameter: the address of a dead one is soon another's.
        self._parameters: dict[int, tuple[weakref.ref[torch.Tensor], str]] = {}
        self._alive: dict[int, weakref.ref[torch.nn.Module]] = {}
        self._fleeting: set[type] = set()  # made anew in each forward (`nn.ReLU()(x)`): no search for each

    def module(self, module: torch.nn.Module) -> str:
        """The path of a module within its root ("encoder.embed"); a root's own name is its class."""
        key = id(module)
        if key not in self._modules:
            if type(module) not in self._fleeting or next(module.parameters(), None) is not None:
                self._scan()
            self._modules.setdefault(key, type(module).__name__)
            self._watch(module)
        name = self._modules[key]
        self.classes.setdefault(name, type(module).__name__)
        return name

    def parameters(self, parameters: Sequence[torch.Tensor]) -> list[str]:
        """The path of each parameter, or its position in the optimizer where no module holds it."""
        names = [self._known(parameter) for parameter in parameters]
        if None in names:
            self._scan()
            for position, parameter in enumerate(parameters):
                name = self._known(parameter) or f"parameter {position}"
                self._parameters[id(parameter)] = (weakref.ref(parameter), name)
                names[position] = name
        return [name for name in names if name is not None]

    def _known(self, parameter: torch.Tensor) -> str | None:
        alive, name = self._parameters.get(id(parameter), (None, None))
        return name if alive is not None and alive() is parameter else None

    def _watch(self, module: torch.nn.Module) -> None:
        key, kind = id(module), type(module)

        def died(_: object) -> None:
            if self._modules.pop(key, None) == kind.__name__:
                self._fleeting.add(kind)
            self._alive.pop(key, None)
            self._forget(key)

        self._alive[key] = weakref.ref(module, died)

    def _scan(self) -> None:
        import torch

        # type(), not isinstance(): some objects answer for `__class__` with a warning or an import
        modules = [o for o in _oldest_first() if issubclass(type(o), torch.nn.Module)]
        inner = {id(child) for m in modules for child in m._modules.values() if child is not None}
        roots = [_unwrapped(m) for m in modules if id(m) not in inner]
        # With one model, names are the model's own; with several (a GAN), each gets its class before them.
        models = [r for r in roots if next(r.parameters(), None) is not None]
        seen: dict[str, int] = {}
        for root in roots:
            prefix = ""
            if len(models) > 1:
                kind = type(root).__name__
                seen[kind] = seen.get(kind, 0) + 1
                prefix = f"{kind}." if seen[kind] == 1 else f"{kind}#{seen[kind]}."
            for name, module in root.named_modules():
                self._modules.setdefault(id(module), f"{prefix}{name}" if name else type(root).__name__)
                self._watch(module)
            for name, parameter in root.named_parameters():
                known = self._known(parameter)
                if known is None or (len(prefix + name), prefix + name) < (len(known), known):
                    self._parameters[id(parameter)] = (weakref.ref(parameter), prefix + name)


def _oldest_first() -> Iterator[Any]:
    """Every object the collector knows, in the order in which they were made.

    Without a generation the youngest come first, so that the number of a module would depend on when the
    collector last ran.  A generation's survivors are appended to the next one, which keeps their order.
    One by one: a list of all would be among the objects, hold itself and keep every one alive.
    """
    for generation in (2, 1, 0):
        yield from gc.get_objects(generation=generation)


def _unwrapped(module: torch.nn.Module) -> torch.nn.Module:
    """The user's model inside torch.compile's, DataParallel's and DistributedDataParallel's wrappers."""
    while type(module).__name__ in _WRAPPERS and len(module._modules) == 1:
        inner = next(iter(module._modules.values()))
        if inner is None:
            break
        module = inner
    return module
