"""Which modules, frames and classes are the program's own: neither Python's, nor installed, nor samebits'.

`__main__` without a file (a notebook, `python -c`) is the program's; so are
cells and strings that a module of the program's executes.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from types import FrameType, ModuleType
from typing import Any

_module_dict: Any = vars(ModuleType)["__dict__"].__get__
_type_dict: Any = type.__dict__["__dict__"].__get__
_type_qualname: Any = vars(type)["__qualname__"].__get__


def own_variables(frame: FrameType) -> Iterator[tuple[str, Any]]:
    """(name, value) of the program's variables: ``module.variable``, and of the running functions, outermost
    first, ``module.function.variable``.
    """
    modules = set()
    for module, variables in own_modules():
        modules.add(id(variables))
        for name, value in list(variables.items()):
            if type(name) is str and not (name.startswith("__") and name.endswith("__")):
                yield f"{module}.{name}", value
    places: dict[str, list[int]] = {}
    for caller in own_frames(frame):
        if id(caller.f_globals) in modules and caller.f_locals is caller.f_globals:
            continue
        for name, value in list(caller.f_locals.items()):
            if not name.isidentifier():
                continue  # hidden: a comprehension's ".0"
            place = f"{_place(caller, name, value)}.{name}"
            numbers = places.setdefault(place, [])
            if id(value) not in numbers:  # else: another method's self
                numbers.append(id(value))
                yield place if len(numbers) == 1 else f"{place}#{len(numbers)}", value


def _place(frame: FrameType, name: str, value: object) -> str:
    """Where a local variable is: module and function, or for a method's self module and class."""
    code, module = frame.f_code, str(frame.f_globals.get("__name__"))
    if name == "self" and code.co_argcount and code.co_varnames[0] == name:
        kind = type(value)
        return f"{module}.{_type_qualname(kind)}"
    function = code.co_qualname.replace(".<locals>", "")
    return module if function == "<module>" else f"{module}.{function}"


def own_modules() -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, variables) of each module of the program, `__main__` first."""
    seen = set()
    names = sorted(sys.modules, key=lambda name: (name != "__main__", name))
    for name in names:
        module = sys.modules.get(name)
        if module is None or not issubclass(type(module), ModuleType) or id(module) in seen:
            continue
        seen.add(id(module))
        variables = _module_dict(module)
        if _is_own_module(name, variables):
            yield name, variables


def own_frames(frame: FrameType | None) -> list[FrameType]:
    """The program's own frames among `frame` and its callers, outermost first."""
    frames = []
    while frame is not None:
        if _is_own_frame(frame):
            frames.append(frame)
        frame = frame.f_back
    return frames[::-1]


def is_own_class(kind: type) -> bool:
    name = _type_dict(kind).get("__module__")
    module = sys.modules.get(name) if type(name) is str else None
    if module is None or not issubclass(type(module), ModuleType):
        return False
    return _is_own_module(str(name), _module_dict(module))


def _is_own_frame(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    if not file.startswith("<"):
        return is_own_file(file)
    name = frame.f_globals.get("__name__")  # "<stdin>", "<ipython-input-3>", a dataclass's "<string>"
    return type(name) is str and _is_own_module(name, frame.f_globals)


def _is_own_module(name: str, variables: dict[str, Any]) -> bool:
    file = variables.get("__file__")
    if type(file) is not str:
        return name == "__main__"  # others without a file are built in, or namespaces
    return is_own_file(file)


@cache
def is_own_file(file: str) -> bool:
    """Whether a source file is the program's."""
    parts = file.replace("\\", "/").split("/")
    if "site-packages" in parts or "dist-packages" in parts or file.startswith("<frozen"):
        return False
    return not os.path.abspath(file).startswith(_foreign())


@cache
def _foreign() -> tuple[str, ...]:
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    folders.add(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # samebits
    for name in ("torch", "numpy"):  # may be a checkout of their source
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is not None:
            folders.add(os.path.dirname(file))
    folders |= {os.path.realpath(folder) for folder in folders}
    return tuple(os.path.join(folder, "") for folder in folders)
