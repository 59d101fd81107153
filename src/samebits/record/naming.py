"""Names for modules and parameters: the path from a root module, as `named_parameters` spells it.

A script never tells where its model is, so the roots are found once by asking the garbage collector
for every `nn.Module` that no other one contains, and again when something unknown turns up.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import torch

_WRAPPERS: Final = ("OptimizedModule", "DistributedDataParallel", "DataParallel")


class Names:
    """``forget`` is called with the address of a module that died, since its address may be used again."""

    def __init__(self, forget: Callable[[int], None]) -> None:
        self._forget = forget
        self._modules: dict[int, str] = {}
        self._parameters: dict[int, str] = {}
        self._alive: dict[int, weakref.ref[torch.nn.Module]] = {}

    def module(self, module: torch.nn.Module) -> str:
        """The path of a module within its root ("encoder.embed"); a root's own name is its class."""
        key = id(module)
        if key not in self._modules:
            self._scan()
            self._modules.setdefault(key, type(module).__name__)
            self._watch(module)
        return self._modules[key]

    def parameter(self, parameter: torch.Tensor, position: int) -> str:
        """The path of a parameter, or its position in the optimizer where no module holds it."""
        key = id(parameter)
        if key not in self._parameters:
            self._scan()
            self._parameters.setdefault(key, f"parameter {position}")
        return self._parameters[key]

    def _watch(self, module: torch.nn.Module) -> None:
        key = id(module)

        def died(_: object) -> None:
            self._modules.pop(key, None)
            self._alive.pop(key, None)
            self._forget(key)

        self._alive[key] = weakref.ref(module, died)

    def _scan(self) -> None:
        import torch

        # type(), not isinstance(): some objects answer for `__class__` with a warning or an import
        modules = [o for o in gc.get_objects() if issubclass(type(o), torch.nn.Module)]
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
                known = self._parameters.get(id(parameter))
                if known is None or (len(prefix + name), prefix + name) < (len(known), known):
                    self._parameters[id(parameter)] = prefix + name


def _unwrapped(module: torch.nn.Module) -> torch.nn.Module:
    """The user's model inside torch.compile's, DataParallel's and DistributedDataParallel's wrappers."""
    while type(module).__name__ in _WRAPPERS and len(module._modules) == 1:
        inner = next(iter(module._modules.values()))
        if inner is None:
            break
        module = inner
    return module
