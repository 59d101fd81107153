"""What to run, and what to set before it starts."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NoReturn

from samebits.control import changes
from samebits.control.process_key import VARIABLE, ProcessKey
from samebits.control.settings import Control
from samebits.determinism.environment import HASH_SECRET, deterministic_environment
from samebits.errors import LaunchError
from samebits.launch import interpreter
from samebits.launch.announced import LINE, once
from samebits.launch.obstacle import BOOTSTRAP
from samebits.observe import installation
from samebits.observe.installation import Installation
from samebits.observe.plan import PLAN, Plan

_HERE: Final = Path(__file__).parent
#: Where a Python without xxhash finds samebits' own; read by bootstrap/sitecustomize.py.
_XXHASH: Final = "SAMEBITS_XXHASH"


@dataclass(frozen=True, slots=True)
class Program:
    """A script (path, arguments), a module (name, arguments) or any command (words).

    A script or a module runs in the Python that ``python`` names, else in the active environment's
    (VIRTUAL_ENV, CONDA_PREFIX) if that has torch, else in samebits' own.  A command names its own.

    It starts in ``folder``, or in the working folder.  ``variables`` are set in its environment after all
    others; None removes one.  What PYTHONPATH is set to comes behind the folder by which samebits attaches.
    """

    kind: Literal["script", "module", "command"]
    target: tuple[str, ...]
    python: str | None = None  # the path of a Python, or of the folder of an environment
    folder: str | None = None
    variables: tuple[tuple[str, str | None], ...] = ()

    def command(self) -> list[str]:
        """The words to start.  Python files run through `child`, which runs them as Python would."""
        if self.kind == "command":
            return list(self.target)
        option = ["-m"] if self.kind == "module" else []
        return [interpreter.python_of(self.python), str(_HERE / "child.py"), *option, *self.target]

    def words(self) -> list[str]:
        """The program as it is written on the command line."""
        option = {"command": ["--"], "module": ["-m"], "script": []}[self.kind]
        return [*option, *self.target]

    def checked(self, control: Control, *, observing: bool) -> Installation | None:
        """The Python that the program starts in; None: a command does not say which.

        Raises:
            LaunchError: it cannot be observed or controlled; says why and the way out.
        """
        try:
            os.getcwd()
        except OSError as e:
            raise LaunchError("the working folder is not there any more; change into another one") from e
        if self.folder is not None and not os.path.isdir(self.folder):
            raise LaunchError(f"there is no folder {self.folder!r}, in which the program is to start")
        if self.kind != "command":
            python = installation.of(interpreter.python_of(self.python))
            interpreter.checked(python, named=False, observing=observing)
            return python
        if self.python is not None:
            raise LaunchError(
                "a command names its own Python, so --python is for a script or a module; write the path of "
                f"the Python into the command: -- {self.python} ..."
            )
        if not control and not observing:
            return None
        named = interpreter.of_command(
            self.target, self.environment(control, Plan("") if observing else None), self.folder
        )
        if named is not None:
            interpreter.checked(named, named=True, observing=observing)
        return named

    def environment(self, control: Control, plan: Plan | None = None) -> Mapping[str, str]:
        """This process's variables, and what its interpreters read as they start.

        That is the folder whose `sitecustomize` attaches control and observer, and what they are to do.
        """
        variables = dict(os.environ)
        given = dict(self.variables).get("PYTHONPATH", variables.get("PYTHONPATH"))
        paths = [path for path in given.split(os.pathsep) if path != BOOTSTRAP] if given else []
        variables["PYTHONPATH"] = os.pathsep.join([BOOTSTRAP, *paths])
        found = importlib.util.find_spec("xxhash")
        if found is not None and found.origin:
            variables[_XXHASH] = os.path.dirname(found.origin)
        if control:
            settings = deterministic_environment(control.seed, variables)
            if not control.has("hash-seed"):
                del settings[HASH_SECRET]
            variables |= settings
            variables |= changes.environment(control.changes, variables)
            variables[VARIABLE] = ProcessKey(control).to_json()
        if plan is not None:
            variables[PLAN] = plan.to_json()
        for name, value in self.variables:
            if name == "PYTHONPATH":
                continue  # it is in there
            if value is None:
                variables.pop(name, None)
            else:
                variables[name] = value
        return variables

    def become(self, control: Control, line: str | None = None) -> NoReturn:
        """Replace this process by the program: its streams, terminal, signals and exit code are its own.

        ``line`` is printed by the first Python that is controlled, once it is; nobody else knows that it is.

        Raises:
            LaunchError: it could not be started, or would not be controlled.
        """
        self.checked(control, observing=False)
        words, variables = self.command(), dict(self.environment(control))
        if line is not None and control:
            variables[LINE] = once(line)
        with suppress(OSError, ValueError):  # closed, or full
            sys.stdout.flush()
            sys.stderr.flush()
        here = os.getcwd()
        try:
            if os.name == "posix":
                os.chdir(self.folder or here)
                os.execvpe(words[0], words, variables)
            sys.exit(subprocess.call(words, env=variables, cwd=self.folder))  # elsewhere exec does not wait
        except OSError as e:
            os.chdir(here)
            raise LaunchError(f"{self.target[0]!r} could not be started: {e.strerror or e}") from e
