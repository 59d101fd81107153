"""What to run, and what to set before it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NoReturn

from samebits.determinism.environment import deterministic_environment
from samebits.errors import LaunchError
from samebits.launch.identity import VARIABLE, Identity
from samebits.record.session import PLAN, Plan

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Control:
    """Without any, a program is run as it is."""

    seed: int | None = None  # seed everything before the script starts, and what it leaves unseeded
    deterministic: bool = False  # ask torch for deterministic algorithms before the script starts
    everywhere: bool = False  # let torch draw the numbers of samebits.random, the same on every device

    def __bool__(self) -> bool:
        return self.seed is not None or self.deterministic or self.everywhere


@dataclass(frozen=True, slots=True)
class Program:
    """A script (path, arguments), a module (name, arguments) or any command (words)."""

    kind: Literal["script", "module", "command"]
    target: tuple[str, ...]

    def command(self) -> list[str]:
        """The words to start.  Python files run through `child`, which runs them as Python would."""
        if self.kind == "command":
            return list(self.target)
        option = ["-m"] if self.kind == "module" else []
        return [sys.executable, str(_HERE / "child.py"), *option, *self.target]

    def words(self) -> list[str]:
        """The program as it is written on the command line."""
        option = {"command": ["--"], "module": ["-m"], "script": []}[self.kind]
        return [*option, *self.target]

    def environment(self, control: Control, plan: Plan | None = None) -> Mapping[str, str]:
        """This process's variables, and what its interpreters read as they start.

        That is the folder whose `sitecustomize` attaches control and observer, and what they are to do.
        """
        variables = dict(os.environ)
        bootstrap = str(_HERE / "bootstrap")
        given = variables.get("PYTHONPATH")
        paths = [path for path in given.split(os.pathsep) if path != bootstrap] if given else []
        variables["PYTHONPATH"] = os.pathsep.join([bootstrap, *paths])
        if control:
            variables |= deterministic_environment(control.seed, variables)
            variables[VARIABLE] = Identity(
                control.seed, control.deterministic, everywhere=control.everywhere
            ).to_json()
        if plan is not None:
            variables[PLAN] = plan.to_json()
        return variables

    def become(self, control: Control) -> NoReturn:
        """Replace this process by the program: its streams, terminal, signals and exit code are its own.

        Raises:
            LaunchError: it could not be started.
        """
        words, variables = self.command(), self.environment(control)
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            if os.name == "posix":
                os.execvpe(words[0], words, variables)
            sys.exit(subprocess.call(words, env=dict(variables)))  # elsewhere exec does not wait
        except OSError as e:
            raise LaunchError(f"{self.target[0]!r} could not be started: {e.strerror or e}") from e
