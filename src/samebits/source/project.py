"""The files of a project, joined: whose function is called, which files are programs, and what these do.

A *program* is a file that asks for `__name__ == "__main__"`, or that works when it is loaded and that no
other file imports.  Its *trace* is what it does, as far as source shows it: the steps of the file, and at
each call of a function of the project that function's steps, once, at its first call.  Methods of a class
that is made, and functions that are only mentioned, come last: whoever has them calls them later.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from samebits.source.summary import GUARD, MODULE, Class, Function, SourceStep, Summary

#: Methods of so many classes may be meant by a name on an object that is not known.
_CANDIDATES: Final = 3
#: Last names of methods that libraries' objects have, too: on an object that is not known they say nothing.
_COMMON: Final = frozenset(
    {
        "append",
        "extend",
        "update",
        "get",
        "items",
        "keys",
        "values",
        "pop",
        "add",
        "join",
        "split",
        "copy",
        "to",
    }
    | {"cuda", "cpu", "item", "numpy", "detach", "backward", "zero_grad", "size", "view", "format", "close"}
    | {"write", "read", "open", "parameters", "state_dict", "load_state_dict", "eval", "sum", "mean", "max"}
    | {"min", "shape", "clone", "sort", "index", "count", "insert", "remove", "clear", "lower", "parse_args"}
    | {"add_argument", "strip", "replace", "startswith", "endswith", "encode", "decode"}
)
#: What a file of tests calls to run itself: a runner may seed.
_RUNNERS: Final = frozenset({"unittest.main", "pytest.main", "absl.testing.absltest.main"})
_DEEPEST: Final = 60  # calls in one another that a trace follows


class Home(NamedTuple):
    """A function or class, and the file that it is of."""

    file: str
    of: Function | Class


class Seen(NamedTuple):
    """A step of a trace.

    Attributes:
        function: that it is a step of.
        later: whether it is of what is called later, by whoever has the object.
        loops: how many loops are around it, those around the calls that lead to it among them.
        within: what `with` statements and branches are around it, likewise.
        calls: the steps that lead to it, outermost first.
        root: of what is called later, the function or method that is.
    """

    step: SourceStep
    file: str
    function: Function
    later: bool
    loops: int
    within: tuple[str, ...]
    calls: tuple[SourceStep, ...]
    root: str = ""


@dataclass(frozen=True, slots=True)
class TracedProgram:
    """A file that is started, and its trace."""

    file: str
    trace: tuple[Seen, ...]


class Project:
    """Summaries of files that belong together."""

    def __init__(self, summaries: Iterable[Summary]) -> None:
        self.files: Mapping[str, Summary] = {summary.file: summary for summary in summaries}
        self._modules = {self._path(file): file for file in self.files}
        self._words = {word for path in self._modules for word in path.split("/")}
        self._called: dict[
            int, list[Home]
        ] = {}  # by the identity of a step, which lives as long as this does
        self._folders: dict[str, str] = {}
        self._named: dict[tuple[str, str], str | None] = {}
        self._found: dict[tuple[str, str], Home | None] = {}

    @staticmethod
    def _path(file: str) -> str:
        path = posixpath.normpath(file.replace("\\", "/"))
        path = path.rpartition(".")[0] if path.endswith((".py", ".pyw", ".ipynb")) else path
        return path.removesuffix("/__init__")

    # -- whose

    def module(self, name: str, file: str) -> str | None:
        """The file of the project that a module's full or relative name means in a file."""
        here = self._folders.get(file)
        if here is None:
            here = self._folders[file] = posixpath.dirname(posixpath.normpath(file.replace("\\", "/")))
        key = name, here
        if key not in self._named:
            self._named[key] = self._module(name, here)
        return self._named[key]

    def _module(self, name: str, here: str) -> str | None:
        level = len(name) - len(name.lstrip("."))
        tail = name[level:].replace(".", "/")
        if level:
            for _ in range(level - 1):
                here = posixpath.dirname(here)
            return self._modules.get(posixpath.normpath(posixpath.join(here, tail)))
        if tail.partition("/")[0] not in self._words:
            return None
        while True:
            for folder in (here, f"{here}/src" if here else "src"):
                found = self._modules.get(f"{folder}/{tail}" if folder not in ("", ".") else tail)
                if found is not None:
                    return found
            if here in ("", "/", ".", ".."):
                return None
            here = posixpath.dirname(here)

    def loaded(self, name: str, file: str) -> list[str]:
        """The files that run where a module is imported: those of its packages first."""
        parts = name.split(".") if not name.startswith(".") else []
        packages = [".".join(parts[:cut]) for cut in range(1, len(parts))]
        found = [self.module(package, file) for package in (*packages, name)]
        return [each for each in found if each is not None]

    def resolve(self, name: str | None, file: str) -> Home | None:
        """The function or class of the project that a step's name means."""
        if name is None:
            return None
        key = name, file
        if key not in self._found:
            self._found[key] = None  # of names that lead to each other
            self._found[key] = self._resolved(name, file)
        return self._found[key]

    def _resolved(self, name: str, file: str) -> Home | None:
        name = name.removesuffix("()")
        if name.startswith(":"):
            return self._inside(name[1:], file)
        level = len(name) - len(name.lstrip("."))
        if not level and name.partition(".")[0] not in self._words:
            return None
        parts = name[level:].split(".")
        for cut in range(len(parts), -1, -1):
            module = name[:level] + ".".join(parts[:cut])
            if not module:
                continue
            found = self.module(module, file)
            rest = ".".join(parts[cut:])
            if found is not None and rest:
                return self._inside(rest, found)
        return None  # a module is neither, but a package may have a function of a module's name

    def _inside(self, name: str, file: str) -> Home | None:
        summary = self.files[file]
        if name in summary.functions:
            return Home(file, summary.functions[name])
        if name in summary.classes:
            return Home(file, summary.classes[name])
        first, _, rest = name.partition(".")
        if rest and first in summary.classes:
            return self.method(Home(file, summary.classes[first]), rest)
        if first in summary.imports:  # what a package takes from its modules
            full = summary.imports[first] + (f".{rest}" if rest else "")
            return None if full == name else self.resolve(full, file)
        for star in summary.stars:
            if (module := self.module(star, file)) is not None and module != file:
                found = self.resolve(f":{name}", module)
                if found is not None:
                    return found
        return None

    def method(self, of: Home, name: str, depth: int = 0) -> Home | None:
        """A method of a class or of its bases."""
        assert isinstance(of.of, Class)
        found = self.files[of.file].functions.get(f"{of.of.name}.{name}")
        if found is not None:
            return Home(of.file, found)
        for base in of.of.bases if depth < _DEEPEST else ():
            home = self.resolve(base, of.file)
            if home is not None and isinstance(home.of, Class):
                inherited = self.method(home, name, depth + 1)
                if inherited is not None:
                    return inherited
        return None

    @cached_property
    def _methods(self) -> dict[str, list[Home]]:
        found: dict[str, list[Home]] = {}
        for file, summary in self.files.items():
            for name, function in summary.functions.items():
                if name.rpartition(".")[0] in summary.classes:
                    found.setdefault(function.last, []).append(Home(file, function))
        return found

    def targets(self, step: SourceStep, file: str) -> list[Home]:
        """The functions and classes that a call may run: one where it is known, else those of that name."""
        found = self._called.get(id(step))
        if found is None:
            found = self._called[id(step)] = self._targets(step, file)
        return found

    def _targets(self, step: SourceStep, file: str) -> list[Home]:
        home = self.resolve(step.name, file)
        if home is not None:
            return [home]
        unknown = step.owner and (step.name is None or step.name.startswith((":", ".")))
        if step.kind == "call" and unknown and step.attr not in _COMMON:
            named = self._methods.get(step.attr, [])
            if len(named) <= _CANDIDATES:
                return named
        return []

    # -- steps

    def steps(self) -> Iterator[tuple[str, Function, SourceStep]]:
        """Every step of every file."""
        for file, summary in self.files.items():
            for function in summary.functions.values():
                for step in function.steps:
                    yield file, function, step

    @cached_property
    def callers(self) -> Mapping[tuple[str, str], list[tuple[str, Function, SourceStep]]]:
        """By file and name of a function, the steps that call it: of what file and function."""
        found: dict[tuple[str, str], list[tuple[str, Function, SourceStep]]] = {}
        for file, function, step in self.steps():
            if step.kind == "call":
                for home in self.targets(step, file):
                    found.setdefault((home.file, home.of.name), []).append((file, function, step))
        return found

    def below(self, home: Home) -> Iterator[tuple[str, Function, SourceStep, tuple[str, ...]]]:
        """The steps of a function, and of what it calls, each function once: with what is around each."""
        done: set[tuple[str, str]] = set()
        waiting: list[tuple[Home, tuple[str, ...]]] = [(home, ())]
        while waiting:
            one, within = waiting.pop()
            if (one.file, one.of.name) in done:
                continue
            done.add((one.file, one.of.name))
            if isinstance(one.of, Class):
                maker = self.method(one, "__init__")
                waiting += [(maker, within)] if maker is not None else []
                continue
            for step in one.of.steps:
                around = (*within, *step.within)
                yield one.file, one.of, step, around
                if step.kind == "call":
                    waiting += [(target, around) for target in self.targets(step, one.file)]

    # -- programs

    @cached_property
    def _imported(self) -> frozenset[str]:
        return frozenset(
            target
            for file, _, step in self.steps()
            if step.kind == "import"
            and (target := self.module(step.name or "", file)) is not None
            and target != file
        )

    def is_imported(self, file: str) -> bool:
        """Whether another file of the project imports this one."""
        return file in self._imported

    def _is_entered(self, file: str) -> bool:
        """Whether a file has a `main` that nobody calls: what an installed script starts."""
        return "main" in self.files[file].functions and (file, "main") not in self.callers

    @cached_property
    def programs(self) -> tuple[TracedProgram, ...]:
        """The files that are started, but for tests."""
        return tuple(
            TracedProgram(file, _Tracer(self).trace(file))
            for file, summary in self.files.items()
            if not is_test(file)
            if summary.guarded or (summary.works and not self.is_imported(file)) or self._is_entered(file)
            if not any(step.name in _RUNNERS for step in summary.functions[MODULE].steps)
        )


class _Tracer:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.done: set[int] = set()
        self.root = ""
        self.seen: list[Seen] = []
        self.later: list[tuple[Home, tuple[SourceStep, ...], int]] = []

    def trace(self, file: str) -> tuple[Seen, ...]:
        self._module(file, (), False)
        main = self.project.files[file].functions.get("main")
        if main is not None:  # where nobody has called it
            self._function(Home(file, main), (), False, 0, ())
        for function in self.project.files[file].functions.values():  # those that nobody calls come last
            self.later.append((Home(file, function), (), 0))
        while self.later:
            home, calls, loops = self.later.pop(0)
            self.root = home.of.name
            if isinstance(home.of, Class):
                self._methods(home, calls, loops)
            else:
                self._function(home, calls, True, loops, ())
        return tuple(self.seen)

    def _module(self, file: str, calls: tuple[SourceStep, ...], later: bool) -> None:
        self._function(Home(file, self.project.files[file].functions[MODULE]), calls, later, 0, ())

    def _methods(self, home: Home, calls: tuple[SourceStep, ...], loops: int) -> None:
        assert isinstance(home.of, Class)
        for name in home.of.methods:
            method = self.project.method(home, name)
            if method is not None:
                self.root = method.of.name
                self._function(method, calls, True, loops, ())
        for base in home.of.bases:
            above = self.project.resolve(base, home.file)
            if above is not None and isinstance(above.of, Class) and id(above.of) not in self.done:
                self.done.add(id(above.of))
                self._methods(above, calls, loops)

    def _function(
        self, home: Home, calls: tuple[SourceStep, ...], later: bool, loops: int, within: tuple[str, ...]
    ) -> None:
        function = home.of
        assert isinstance(function, Function)
        if id(function) in self.done or len(calls) > _DEEPEST:
            return
        self.done.add(id(function))
        for step in function.steps:
            if GUARD in step.within and calls:  # of a file that is imported
                continue
            around = (*within, *step.within)
            self.seen.append(
                Seen(
                    step,
                    home.file,
                    function,
                    later,
                    loops + step.loops,
                    around,
                    calls,
                    self.root if later else "",
                )
            )
            if step.kind == "import":
                for found in self.project.loaded(step.name or "", home.file):
                    self._module(found, (*calls, step), later)
            elif step.kind in ("call", "mention"):
                for target in self.project.targets(step, home.file):
                    chain = (*calls, step)
                    if isinstance(target.of, Class):
                        if step.kind == "mention":
                            continue  # a base, a type
                        maker = self.project.method(target, "__init__")
                        if maker is not None:
                            self._function(maker, chain, later, loops + step.loops, around)
                        if id(target.of) not in self.done:
                            self.done.add(id(target.of))
                            self.later.append((target, chain, loops + step.loops))
                    elif step.kind == "call":
                        self._function(target, chain, later, loops + step.loops, around)
                    elif id(target.of) not in self.done:
                        self.later.append((target, chain, loops + step.loops))


def is_test(file: str) -> bool:
    """Whether a file is one of tests, by its name or folder."""
    name = posixpath.basename(file.replace("\\", "/"))
    parts = posixpath.dirname(file.replace("\\", "/")).split("/")
    return (
        name.startswith("test_")
        or name in ("conftest.py", "setup.py")
        or name.endswith("_test.py")
        or ("tests" in parts or "test" in parts)
    )
