"""What a set of trials is: the program, how it is run, the run that others are compared with; as JSON.

It lies in the folder of the set, where each trial, in a process or on a machine of its own, finds it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from samebits._runtime.whole import write_whole
from samebits.control.settings import Control
from samebits.errors import RecordError
from samebits.launch.program import Program
from samebits.trials.stress.row import TrialRow

FORMAT: Final = "samebits.trials"
VERSION: Final = 1
_FILE: Final = "design.json"


@dataclass(frozen=True, slots=True)
class Design:
    """A set of trials of one program.

    Attributes:
        folder: where it lies, with a file for each row.
        out: where runs are kept.
        where: the working folder of whoever asked for it.
        names: the changes, in the order of the matrix.
        baseline: the ids of the runs that nothing was changed in, as far as they are there; two that agree
            are a pair.
        seconds: how long the first of these took.
        count: how many steps it took.
    """

    folder: Path
    out: Path
    where: Path
    program: Program
    control: Control
    names: tuple[str, ...]
    steps: int | None = None
    timeout: float | None = None
    baseline: tuple[str, ...] = ()
    seconds: float = 0.0
    count: int = 0

    def write(self) -> None:
        """Keep it in its folder.

        Raises:
            OSError: it cannot be written there.
        """
        program, control = self.program, self.control
        data = {
            "format": FORMAT,
            "version": VERSION,
            "out": str(self.out),
            "where": str(self.where),
            "program": {
                "kind": program.kind,
                "target": list(program.target),
                "python": program.python,
                "folder": program.folder,
                "variables": [list(pair) for pair in program.variables],
            },
            "control": control.as_json(),
            "names": list(self.names),
            "steps": self.steps,
            "timeout": self.timeout,
            "baseline": list(self.baseline),
            "seconds": self.seconds,
            "count": self.count,
        }
        write_whole(self.folder / _FILE, f"{json.dumps(data, indent=1)}\n".encode())

    @classmethod
    def read(cls, folder: Path) -> Design:
        """The set of trials that lies in a folder.

        Raises:
            RecordError: there is none, or it is damaged.
        """
        path = folder / _FILE
        try:
            data: Any = json.loads(path.read_bytes())
            if data["format"] != FORMAT or data["version"] != VERSION:
                raise RecordError(f"{str(path)!r} is of another version of samebits")
            program = data["program"]
            return cls(
                folder.absolute(),
                Path(data["out"]),
                Path(data["where"]),
                Program(
                    program["kind"],
                    tuple(program["target"]),
                    program["python"],
                    program["folder"],
                    tuple((name, value) for name, value in program["variables"]),
                ),
                Control.from_json(data["control"]),
                tuple(data["names"]),
                data["steps"],
                data["timeout"],
                tuple(data["baseline"]),
                data["seconds"],
                data["count"],
            )
        except OSError as e:
            raise RecordError(f"{str(folder)!r} holds no trials: {e.strerror or e}") from e
        except (ValueError, KeyError, TypeError) as e:
            raise RecordError(f"{str(path)!r} is damaged: {e!r}") from e

    @property
    def has_pair(self) -> bool:
        """Whether the program was run twice, unchanged, and agreed."""
        return len(self.baseline) == 2

    def run(self, number: int) -> Path:
        """The folder of a run of the baseline."""
        return self.out / self.baseline[number]

    # -- rows --------------------------------------------------------------------------------------
    def keep(self, row: TrialRow) -> None:
        """Keep a row of the matrix.

        Raises:
            OSError: it cannot be written.
        """
        text = f"{json.dumps(row.as_json(), indent=1)}\n"
        write_whole(self.folder / f"{row.name}.row.json", text.encode())

    def rows(self, names: Sequence[str] | None = None) -> dict[str, TrialRow]:
        """The rows that are there, by name."""
        found: dict[str, TrialRow] = {}
        for name in self.names if names is None else names:
            with suppress(OSError, ValueError, KeyError, TypeError):
                found[name] = TrialRow.from_json(json.loads((self.folder / f"{name}.row.json").read_bytes()))
        return found

    def told(self, name: str) -> Path:
        """Where a change says what it did."""
        return self.folder / f"{name}.told"

    def enter(self) -> None:
        """Work where whoever asked for the trials worked."""
        os.chdir(self.where)
