"""The tools: how each is run on a program, and which of its messages are about reproducibility.

The rivals are not dependencies. They are looked for in the folders of `--bin`, then in PATH; README.md says
how they are installed. Each is given the program's file or folder, as a person would, and nothing else.

| tool | messages that count |
| --- | --- |
| samebits | all |
| ruff | NPY002, global numpy draws, and PLC0208, a loop over a literal set: what comes nearest |
| torchfix | none: no check of it is about reproducibility |
| torchdetscan | all: operations without a deterministic kernel, by torch 2.3's list |
| dslinter | W5507 nothing is deterministic, W5508, W5511 no seed, W5509 no random_state, W5512 DataLoader |
| reprolint | no seed anywhere, no deterministic mode anywhere; neither has a file or a line |
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.audit.labels import Program, code_cells
from samebits.audit import audit_paths

SEEDS = frozenset({"unseeded-python-random", "unseeded-numpy-random", "unseeded-torch-generator"})
KERNELS = frozenset({"nondeterministic-kernel", "autotuning", "determinism-undone"})
CELL = re.compile(r"cell (\d+) of (.+)")
TIMEOUT = 300.0  # seconds a command


class ToolError(Exception):
    """A tool is not there, or did not say anything that can be read."""


@dataclass(frozen=True)
class Said:
    """One finding of a tool.

    Attributes:
        file: None where the whole program is meant.
        line, end_line: None where the whole file is meant.
        about: the rules of ours that it may be right about; None for any.
        whole: it is about the whole file or program, though it may have a line.
    """

    rule: str
    file: Path | None
    line: int | None
    end_line: int | None = None
    cell: int | None = None
    about: frozenset[str] | None = None
    whole: bool = False
    why: str = field(default="", compare=False)

    def __str__(self) -> str:
        cell = f"cell {self.cell} of " if self.cell is not None else ""
        file = self.file.name if self.file else "the program"
        return f"{cell}{file}:{self.line or ''}: {self.rule}: {self.why}"


def _run(*command: str, **env: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=TIMEOUT, env={**os.environ, **env}, check=False
    )
    if not done.stdout.strip() and done.returncode:
        raise ToolError(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


def ours(command: str, program: Program) -> list[Said]:
    """The findings of `samebits audit` on a program."""
    report = audit_paths([program.path], cache=False)
    if report.unread:
        raise ToolError(f"could not be read: {report.unread[0]}")
    said = []
    for finding in report.findings:
        assert finding.site is not None
        assert finding.hit is not None
        cell = CELL.fullmatch(finding.site.file)
        place = finding.hit.place
        said.append(
            Said(
                rule=finding.cause,
                file=Path(cell[2] if cell else finding.site.file).resolve(),
                line=finding.site.line,
                end_line=finding.site.line + place.end_line - place.line,
                cell=int(cell[1]) if cell else None,
                about=frozenset({finding.cause}),
                why=finding.why,
            )
        )
    return said


def ruff(command: str, program: Program) -> list[Said]:
    options = ("check", "--isolated", "--no-cache", "--no-respect-gitignore", "--output-format", "json")
    codes = ("NPY002", "PLC0208")
    said = []
    for message in json.loads(_run(command, *options, "--select", ",".join(codes), str(program.path))):
        file, number = Path(message["filename"]).resolve(), message.get("cell")
        if number is not None:  # among all cells; ours are counted among those of code
            number = [place for place, _ in code_cells(file)].index(number) + 1
        if message["code"] in codes:  # an error of syntax has none of them
            row = message["location"]["row"]
            said.append(Said(message["code"], file, row, cell=number, why=message["message"]))
    return said


def torchfix(command: str, program: Program) -> list[Said]:
    """Nothing: that it can read the program is all that is tried."""
    _run(command, "--select", "ALL", "-j", "1", str(program.path))
    return []


def torchdetscan(command: str, program: Program) -> list[Said]:
    said = []
    # One file at a time: where its table begins is told by a title that is broken into lines.
    for file in program.files(".py"):
        for row in re.findall(r"^│ (\w+) +│ +(\d+) │ +\d+ │", _run(command, str(file), COLUMNS="200"), re.M):
            if row[0] != "use_deterministic_algorithms":  # which it lists, and does not object to
                said.append(Said(row[0], file.resolve(), int(row[1])))
    return said


def dslinter(command: str, program: Program) -> list[Said]:
    about = {"W5507": KERNELS, "W5508": frozenset({"unseeded-numpy-random"})}
    about["W5511"] = frozenset({"unseeded-torch-generator"})
    options = ["--load-plugins=dslinter", "--disable=all", "--output-format=json"]
    options.append("--enable=W5507,W5508,W5509,W5511,W5512")
    files = program.files(".py")
    messages = json.loads(_run(command, *options, *map(str, files))) if files else []
    return [
        Said(
            rule=message["symbol"],
            file=Path(message["path"]).resolve(),
            line=message["line"],
            about=about.get(message["message-id"]),
            whole=message["message-id"] in about,
            why=message["message"],
        )
        for message in messages
        if message["message-id"].startswith("W55")
    ]


def reprolint(command: str, program: Program) -> list[Said]:
    known = {"No random seed is set": ("seeds", SEEDS), "A deep-learning framework": ("determinism", KERNELS)}
    with tempfile.TemporaryDirectory(prefix="audit-reprolint-") as folder:
        if program.path.is_dir():
            shutil.copytree(program.path, folder, dirs_exist_ok=True)
        else:  # it reads folders alone
            shutil.copy(program.path, folder)
        report = _run(command, folder, COLUMNS="400")
    return [
        Said(rule, None, None, about=about, whole=True, why=start)
        for start, (rule, about) in known.items()
        if re.search(rf"\[\w+\] {re.escape(start)}", report)
    ]


#: Tool -> its command, and what runs it on a program; ours first.
TOOLS: dict[str, tuple[str, Callable[[str, Program], list[Said]]]] = {
    "samebits": (sys.executable, ours),
    "ruff": ("ruff", ruff),
    "torchfix": ("torchfix", torchfix),
    "torchdetscan": ("torchdetscan", torchdetscan),
    "dslinter": ("pylint", dslinter),
    "reprolint": ("reprolint", reprolint),
}


class Tool:
    """One of TOOLS that is installed here.

    Raises:
        ToolError: it is not in `folders` (as PATH is written), nor in PATH.
    """

    def __init__(self, name: str, folders: str = "") -> None:
        wanted, self._on = TOOLS[name]
        command = shutil.which(wanted, path=os.pathsep.join([*filter(None, [folders]), os.environ["PATH"]]))
        if command is None:
            raise ToolError(
                f"there is no {wanted} in PATH or --bin; benchmarks/audit/README.md says how to get it"
            )
        self._command = command
        code = f"import importlib.metadata as m; print(m.version({name!r}))"
        #: Of its package, by the Python beside its command.
        self.version = _run(str(Path(command).with_name("python")), "-c", code).strip()

    def attempt(self, program: Program) -> tuple[list[Said], str]:
        """What it finds in a program, and how it failed there."""
        try:
            return self._on(self._command, program), ""
        except Exception as error:
            return [], f"{type(error).__name__}: {error}"
