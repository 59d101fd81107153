"""What to run, and what to set before it starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from samebits.determinism.environment import deterministic_environment
from samebits.record.session import PLAN, Plan

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Control:
    """Without either, a program is observed as it is."""

    seed: int | None = None  # seed everything before the script starts
    deterministic: bool = False  # ask torch for deterministic algorithms before the script starts


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

    def environment(self, plan: Plan) -> Mapping[str, str]:
        """This process's variables, the plan, and the folder whose `sitecustomize` attaches the observer."""
        variables = dict(os.environ)
        if plan.seed is not None or plan.deterministic:
            variables |= deterministic_environment(plan.seed)
        paths = [str(_HERE / "bootstrap"), *filter(None, [variables.get("PYTHONPATH")])]
        variables["PYTHONPATH"] = os.pathsep.join(paths)
        variables[PLAN] = plan.to_json()
        return variables
