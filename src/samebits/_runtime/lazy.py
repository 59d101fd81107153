"""Public names that are loaded on first use, so that importing a package costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


def lazy(
    package: str,
    homes: Mapping[str, str],
    packages: Collection[str] = (),
    *,
    after_torch: Collection[str] = (),
) -> Callable[[str], Any]:
    """A package's `__getattr__`.

    Args:
        package: its `__name__`.
        homes: public name -> the module that holds it.
        packages: those inside it that are names of it without having been imported.
        after_torch: names before whose module torch is loaded.  Under `samebits run` torch's import begins
            the modes, and their own modules must not be half loaded by then.
    """

    def load(name: str) -> Any:
        if name in packages:
            return import_module(f"{package}.{name}")  # which sets the attribute
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if name in after_torch:
            import_module("torch")
        value = getattr(import_module(home), name)
        setattr(sys.modules[package], name, value)  # the next look costs nothing
        return value

    return load


class CallableModule(ModuleType):
    """A package that is a function of its parent as well: `samebits.record("train.py")`.

    `import samebits.record.run` makes `samebits.record` the package, at any moment and from any thread, so a
    function of that name would vanish; and a function that stays would hide the package from whoever writes
    `samebits.record.run`.  So the one object is both.  Python allows a module's `__class__` to be set:
    https://docs.python.org/3/reference/datamodel.html#customizing-module-attribute-access

    Which function it is says the parent, whose names are above all packages: ``_CALLED[name]`` is its module.
    """

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._function()(*args, **options)

    def _function(self) -> Callable[..., Any]:
        parent, _, name = self.__name__.rpartition(".")
        function: Callable[..., Any] = getattr(import_module(sys.modules[parent]._CALLED[name]), name)
        return function

    @property
    def __signature__(self) -> Any:  # of `inspect.signature`, and of what editors show
        import inspect

        return inspect.signature(self._function())
