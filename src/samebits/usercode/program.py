"""Which modules, frames, classes and variables are the program's own, by the file that they are from.

`__main__` without a file (a notebook, `python -c`) is the program's; so are
cells and strings that a module of the program's executes.

A training program may itself be installed.  So two installed packages are the
program's: the one that the process was started with (``python -m``, a console
script), unless it runs other people's programs; and the one that calls samebits.
A framework that calls for a user is that, too: its own modules are looked
through then, but no other framework's.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterator
from functools import cache
from types import FrameType, FunctionType, ModuleType
from typing import Any, Final

from samebits.usercode import files
from samebits.usercode.files import Owner

_module_dict: Any = vars(ModuleType)["__dict__"].__get__
_type_dict: Any = type.__dict__["__dict__"].__get__
_type_qualname: Any = vars(type)["__qualname__"].__get__

#: Whose code is never the program's.
_FOREIGN: Final = (Owner.PYTHON, Owner.SAMEBITS, Owner.LIBRARY)
#: Installed packages that run a program which is not theirs.
_RUNNERS: Final = {
    *("IPython", "accelerate", "coverage", "debugpy", "deepspeed", "ipykernel", "ipykernel_launcher"),
    *("jupyter", "kernprof", "lightning", "marimo", "papermill", "pudb", "pytest", "ray", "scalene"),
    *("spyder_kernels", "submitit", "viztracer"),
}
#: What a notebook keeps of its cells' texts and results: it is there in one run and not in another.
_HISTORY: Final = re.compile(r"_{1,3}|_\d+|_i{0,3}\d*|Out|In|_oh|_ih|_dh")


def own_packages(frame: FrameType | None = None) -> frozenset[str]:
    """The installed top-level packages that are the program's, given the frame that calls samebits.

    Frames of Python's own modules (`contextlib`) hand the call on.
    """
    packages = set(_started())
    while frame is not None and files.owner(frame.f_code.co_filename) in _FOREIGN:
        frame = frame.f_back
    if frame is not None and type(name := frame.f_globals.get("__name__")) is str:
        packages.add(package_of(name))
    return frozenset(packages)


def package_of(module: str) -> str:
    return module.partition(".")[0]


def _started() -> Iterator[str]:
    """Installed packages that this process was started with."""
    variables = _module_dict(sys.modules["__main__"])
    file, name = variables.get("__file__"), getattr(variables.get("__spec__"), "name", None)
    if type(name) is not str and type(file) is str:
        name = _console_script(file)
    if type(name) is str and package_of(name) not in _RUNNERS:
        yield package_of(name)
        yield "__main__"


@cache
def _console_script(file: str) -> str | None:
    """The module that an installed package's script calls into."""
    folder, name = os.path.split(file.replace("\\", "/"))
    if name == "__main__.py" and folder.endswith(".exe"):  # Windows packs it
        name = os.path.basename(folder)
    name, ending = os.path.splitext(name.removesuffix("-script.py"))
    if ending not in ("", ".exe"):
        return None
    from importlib.metadata import entry_points

    for entry in entry_points(group="console_scripts", name=name):
        return entry.value.partition(":")[0].strip()
    return None


def own_variables(frame: FrameType, packages: Collection[str]) -> Iterator[tuple[str, Any]]:
    """(name, value) of the program's variables: ``module.variable``, and of the running functions, outermost
    first, ``module.function.variable``.
    """
    modules = set()
    for module, variables in own_modules(packages):
        modules.add(id(variables))
        is_notebook = "get_ipython" in variables
        for name, value in list(variables.items()):
            if type(name) is not str or (name.startswith("__") and name.endswith("__")):
                continue
            if not (is_notebook and _HISTORY.fullmatch(name)):
                yield f"{module}.{name}", value
    places: dict[str, list[int]] = {}
    for caller in own_frames(frame, packages):
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
        return place_of_self(value, module)
    function = code.co_qualname.replace(".<locals>", "")
    return module if function == "<module>" else f"{module}.{function}"


def place_of_self(value: object, module: str | None = None) -> str:
    kind = type(value)
    return f"{module or _type_dict(kind).get('__module__')}.{_type_qualname(kind)}"


def local_of(name: str) -> str | None:
    """The function that a name of `own_variables` begins with a local variable of; None for another name."""
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:count]))
        if module is not None and issubclass(type(module), ModuleType):
            thing = _module_dict(module).get(parts[count])
            place = parts[count : count + 1]
            for part in parts[count + 1 :]:
                if not issubclass(type(thing), type):
                    break
                thing = _type_dict(thing).get(part)
                place.append(part)
            return ".".join(place) if type(thing) is FunctionType else None
    return None


def own_modules(packages: Collection[str] | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, variables) of each module of the program, `__main__` first."""
    packages = own_packages() if packages is None else packages
    seen = set()
    names = sorted(sys.modules, key=lambda name: (name != "__main__", name))
    for name in names:
        module = sys.modules.get(name)
        if module is None or not issubclass(type(module), ModuleType) or id(module) in seen:
            continue
        seen.add(id(module))
        variables = _module_dict(module)
        if _is_own_module(name, variables, packages):
            yield name, variables


def own_frames(frame: FrameType | None, packages: Collection[str]) -> list[FrameType]:
    """The program's own frames among `frame` and its callers, outermost first."""
    frames = []
    while frame is not None:
        if _is_own_frame(frame, packages):
            frames.append(frame)
        frame = frame.f_back
    return frames[::-1]


def is_own_class(kind: type, packages: Collection[str] = ()) -> bool:
    name = _type_dict(kind).get("__module__")
    module = sys.modules.get(name) if type(name) is str else None
    if module is None or not issubclass(type(module), ModuleType):
        return False
    return _is_own_module(str(name), _module_dict(module), packages)


def _is_own_frame(frame: FrameType, packages: Collection[str]) -> bool:
    file, name = frame.f_code.co_filename, frame.f_globals.get("__name__")
    if not file or file.startswith("<"):  # "<stdin>", "<ipython-input-3>", a dataclass's "<string>"
        return type(name) is str and _is_own_module(name, frame.f_globals, packages)
    return _is_own_file(file, name, packages)


def _is_own_module(name: str, variables: dict[str, Any], packages: Collection[str]) -> bool:
    file = variables.get("__file__")
    if type(file) is not str:
        return name == "__main__"  # others without a file are built in, or namespaces
    return _is_own_file(file, name, packages)


def _is_own_file(file: str, module: object, packages: Collection[str]) -> bool:
    whose = files.owner(file)
    if whose is Owner.INSTALLED:
        return type(module) is str and package_of(module) in packages
    return whose is Owner.PROGRAM or whose is Owner.NO_FILE
