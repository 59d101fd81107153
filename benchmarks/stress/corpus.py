"""The corpus as data: which programs there are, and which changes reach their weights.

Whoever scores `samebits stress` reads it, and `check_truth.py`, which proves the truth without the product.
A corpus is a folder with a `truth.toml` and `scripts/`: this one, unless `--corpus` names another.
"""

from __future__ import annotations

import argparse
import fnmatch
import re
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent

#: What is changed between two runs of one seed, one at a time; README.md says how.
CHANGES = (
    "hash-seed",
    "listing-order",
    "threads",
    "cpu-capability",
    "num-workers",
    "prefetch",
    "persistent-workers",
    "evaluation",
    "logging",
    "extra-draw",
    "unused-layer",
    "nan-memory",
    "start-time",
    "time-zone",
    "locale",
    "working-folder",
    "micro-batches",
)

#: These may change the last bits of any program's sums, on some machines: no truth, unless it says more.
ROUNDING = ("threads", "cpu-capability", "micro-batches")

#: Comments at the end of a line, one or several: `# planted`, `# also`, `# twin`, `# enters CHANGE ...`.
_MARK = re.compile(r"# (planted|also|twin|enters((?: [a-z-]+)+))(?=\s*(?:$|#))")


@dataclass(frozen=True)
class Entry:
    """One program of the corpus with its truth."""

    name: str
    file: str  # below scripts/; one with helper modules lies in a folder of its own
    reaches: tuple[str, ...] = ()  # after these the weights are others; after no other but may_round
    planted: tuple[str, ...] = ()  # those of them that enter at the lines marked `# planted`
    rounding: tuple[str, ...] = ()  # those of them that change the last bits alone
    twins: bool = False  # workers, or epochs of workers, draw the same numbers from copies of a generator
    evaluation: str | None = None  # the function that evaluates
    evaluation_every: str | None = None  # the constant that says how many steps lie between two evaluations
    logging_every: str | None = None  # the same for lines of the log
    mend: tuple[tuple[str, str], ...] = ()  # (text, other text): what is planted reaches nothing then
    after: str | None = None  # the public project that it is written after
    folder: Path = HERE  # the corpus it belongs to

    @property
    def is_clean(self) -> bool:
        return not self.reaches and not self.twins

    @property
    def may_round(self) -> tuple[str, ...]:
        """Changes that a verdict is right about either way, as long as the difference is rounding."""
        return tuple(change for change in ROUNDING if change not in self.reaches)

    @property
    def scripts(self) -> Path:
        return self.folder / "scripts"

    @property
    def source(self) -> Path:
        return self.scripts / self.file

    def copy_to(self, folder: Path) -> Path:
        """Put the program, and its helper modules if it has any, into `folder`; the script there."""
        if self.source.parent == self.scripts:
            shutil.copy(self.source, folder)
        else:
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(self.source.parent, folder, dirs_exist_ok=True, ignore=ignore)
        return folder / self.source.name

    def sources(self) -> list[Path]:
        if self.source.parent == self.scripts:
            return [self.source]
        return sorted(self.source.parent.rglob("*.py"))

    def marked(self, mark: str) -> list[tuple[str, int]]:
        """The (file name, line) of every line with the comment `mark`: planted, also, twin."""
        return [place for place, found, _ in self._marks() if found == mark]

    def places(self, change: str) -> set[tuple[str, int]]:
        """The lines any of which is right to name for a change; none: the line is not to be scored."""
        entering = {place for place, _, changes in self._marks() if change in changes}
        if change in self.planted:
            return {*entering, *self.marked("planted"), *self.marked("also")}
        return entering

    def _marks(self) -> list[tuple[tuple[str, int], str, list[str]]]:
        """(place, mark, changes that it names) of every mark of every line."""
        return [
            ((path.name, number), found[1].split()[0], (found[2] or "").split())
            for path in self.sources()
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
            for found in _MARK.finditer(line)
        ]

    def problems(self) -> list[str]:
        """What is wrong with the table, or does not fit the program."""
        if not self.source.is_file():
            return [f"no file scripts/{self.file}"]
        named = {change for _, _, changes in self._marks() for change in changes}
        texts = [path.read_text("utf-8") for path in self.sources()]
        constants = [name for name in (self.evaluation_every, self.logging_every) if name]
        wrong = {
            f"no such change: {', '.join({*self.reaches, *named}.difference(CHANGES))}": not {
                *self.reaches,
                *named,
            }.issubset(CHANGES),
            "planted are some of reaches": not set(self.planted).issubset(self.reaches),
            "rounding are some of reaches": not set(self.rounding).issubset(self.reaches),
            "`# enters` names a change that reaches nothing": not named.issubset(self.reaches),
            "one line marked `# planted`, if something is": len(self.marked("planted")) != bool(self.planted),
            "lines marked `# twin`, if there are twins": bool(self.marked("twin")) != self.twins,
            "marks in a clean program": self.is_clean and bool(self._marks()),
            "no such constant": any(
                not re.search(rf"^{name} = \d+$", "\n".join(texts), re.MULTILINE) for name in constants
            ),
            "the evaluation is a function": self.evaluation is not None
            and not any(f"def {self.evaluation}(" in text for text in texts),
            "evaluation_every without evaluation": bool(self.evaluation_every) and not self.evaluation,
            "mend names a text that is not there": any(
                not any(old in text for text in texts) for old, _ in self.mend
            ),
        }
        return [text for text, is_so in wrong.items() if is_so]


def load(folder: Path = HERE, pattern: str = "*") -> list[Entry]:
    """Read the truth.toml of `folder`; keep the entries whose name or one of whose changes matches `pattern`.

    Raises:
        SystemExit: a table that is wrong, or a program without one.
    """
    folder = folder.resolve()
    scripts = folder / "scripts"
    tables = tomllib.loads((folder / "truth.toml").read_text("utf-8"))
    entries = [_entry(folder, name, table) for name, table in tables.items()]
    listed = {entry.file for entry in entries}
    for path in sorted([*scripts.glob("*.py"), *scripts.glob("*/train.py")]):
        if path.relative_to(scripts).as_posix() not in listed:
            raise SystemExit(f"truth.toml: no table for scripts/{path.relative_to(scripts)}")
    return [
        entry
        for entry in entries
        if any(fnmatch.fnmatch(text, pattern) for text in (entry.name, *entry.planted))
    ]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which programs: one corpus, and of it a pattern."""
    parser.add_argument("--corpus", type=Path, default=HERE, metavar="DIR", help="truth.toml and scripts/")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="a name, or a change that is planted")


def _entry(folder: Path, name: str, table: dict[str, object]) -> Entry:
    values = {key: _frozen(value) for key, value in table.items()}
    try:
        entry = Entry(name=name, folder=folder, **values)  # type: ignore[arg-type]
    except TypeError as error:
        raise SystemExit(f"truth.toml: [{name}]: {error}") from None
    for text in entry.problems():
        raise SystemExit(f"truth.toml: [{name}]: {text}")
    return entry


def _frozen(value: object) -> object:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value
