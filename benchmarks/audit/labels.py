"""What is known of the corpus's programs: the labels, read from `truth_*.toml` and checked.

A program is a file or a folder of one half, `dev` or `held`, with the faults that a person planted in it or
found there; a clean one has none.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
HALVES = ("dev", "held")


class LabelError(Exception):
    """The labels are not in order; one line for each that is not."""


@dataclass(frozen=True)
class Label:
    """A fault: where it is, what it is, and what is right to say of it besides.

    Attributes:
        file: the file with the fault, as a whole path.
        cell: of a notebook, the number of the cell among those of code, from 1.
        line: the line in the file, or in the cell.
        also_lines, also_rules: what is as right as `line` and `rule`.
    """

    file: Path
    cell: int | None
    line: int
    rule: str
    also_lines: frozenset[int]
    also_rules: frozenset[str]

    @property
    def lines(self) -> frozenset[int]:
        return self.also_lines | {self.line}

    def __str__(self) -> str:
        cell = f"cell {self.cell} of " if self.cell is not None else ""
        return f"{cell}{self.file.relative_to(HERE)}:{self.line}: {self.rule}"


@dataclass(frozen=True)
class Program:
    """One program of the corpus; `tempts` is the rule that it is about, also where it is clean."""

    name: str
    path: Path
    tempts: str
    labels: tuple[Label, ...]

    def files(self, *endings: str) -> list[Path]:
        """Its files with these endings."""
        if self.path.is_file():
            return [self.path] if self.path.suffix in endings else []
        return sorted(path for path in self.path.rglob("*") if path.suffix in endings and path.is_file())


def half_of(name: str) -> str:
    """The half that a program belongs to, by its name without an ending."""
    return HALVES[int(hashlib.sha256(Path(name).stem.encode()).hexdigest(), 16) % 2]


def code_cells(notebook: Path) -> list[tuple[int, str]]:
    """A notebook's cells of code: the number among all cells, from 1, and the text."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [
        (number, "".join(cell["source"]))
        for number, cell in enumerate(cells, 1)
        if cell["cell_type"] == "code"
    ]


def _label(folder: Path, name: str, fault: dict[str, Any]) -> Label:
    """Read one entry of `faults`; raises LabelError, KeyError and ValueError."""
    if unknown := fault.keys() - {"file", "cell", "line", "rule", "also_lines", "also_rules"}:
        raise LabelError(f"unknown keys {sorted(unknown)}")
    file = fault.get("file", name)
    places = [place for place in (folder / name / file, folder / file) if place.is_file()]
    if not places:
        raise LabelError(f"there is no file {file}")
    label = Label(
        file=places[0].resolve(),
        cell=fault.get("cell"),
        line=int(fault["line"]),
        rule=str(fault["rule"]),
        also_lines=frozenset(map(int, fault.get("also_lines", ()))),
        also_rules=frozenset(map(str, fault.get("also_rules", ()))),
    )
    text = places[0].read_text(encoding="utf-8")
    if places[0].suffix == ".ipynb":
        cells = code_cells(places[0])
        if label.cell is None or not 1 <= label.cell <= len(cells):
            raise LabelError(f"{file} has {len(cells)} cells of code, and the label names {label.cell}")
        text = cells[label.cell - 1][1]
    lines = text.split("\n")
    for line in sorted(label.lines):
        if not 1 <= line <= len(lines) or not lines[line - 1].strip():
            raise LabelError(f"{file} has nothing in line {line}")
    return label


def _entries(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for truth in sorted(folder.glob("truth_*.toml")):
        try:
            tables = tomllib.loads(truth.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise LabelError(f"{truth.relative_to(HERE)}: {error}") from None
        for entry in tables.get("program", ()):
            yield truth, entry


def load(half: str, only: str = "*") -> list[Program]:
    """The programs of a half, by name, of which name, tempting rule or a label's rule match `only`.

    Raises:
        LabelError: a label names no line, or a program is not there, twice, unlabelled or in the wrong half.
    """
    folder = HERE / half
    programs: dict[str, Program] = {}
    wrong = []
    for truth, entry in _entries(folder):
        name = str(entry.get("name"))
        said = f"{truth.relative_to(HERE)}: {name}"
        if name in programs or not (folder / name).exists():
            wrong.append(f"{said}: {'twice' if name in programs else 'is not there'}")
            continue
        if half_of(name) != half:
            wrong.append(f"{said}: belongs to {half_of(name)}")
        labels = []
        for number, fault in enumerate(entry.get("faults", ()), 1):
            try:
                labels.append(_label(folder, name, fault))
            except (LabelError, KeyError, ValueError, TypeError) as error:
                wrong.append(f"{said}: fault {number}: {type(error).__name__}: {error}")
        programs[name] = Program(name, folder / name, str(entry.get("tempts", "")), tuple(labels))
    for path in sorted(folder.iterdir()):
        known = path.name in programs or path.name.startswith(("truth_", ".", "__pycache__"))
        if not known and (path.is_dir() or path.suffix in (".py", ".ipynb")):
            wrong.append(f"{half}: {path.name} has no entry")
    if wrong:
        raise LabelError("\n".join(wrong))
    return [
        program
        for _, program in sorted(programs.items())
        if any(
            fnmatch(word, only)
            for word in (program.name, program.tempts, *(label.rule for label in program.labels))
        )
    ]
