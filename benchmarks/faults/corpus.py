"""A corpus as data: which scripts there are, and which line of each is to change.

Both programs of this folder read it: `run.py`, which scores the product, and
`check_truth.py`, which proves the truth without the product. A corpus is a folder with a
`truth.toml` and `scripts/`: this one, unless `--corpus` names another.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib.util
import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMMANDS = ("verify", "compare", "torchrun")


@dataclass(frozen=True)
class Entry:
    """One script of the corpus with its truth."""

    name: str
    file: str  # below scripts/; a script with helpers lies in a folder of its own
    verdict: str
    cause: str | None = None
    besides: tuple[str, ...] = ()  # other causes that are true of it; the first to name is `cause`
    command: str = "verify"
    args: tuple[str, ...] = ()  # for the product, before the script
    script_args: tuple[str, ...] = ()
    env_a: dict[str, str] = field(default_factory=dict)  # for `compare`: the two runs
    env_b: dict[str, str] = field(default_factory=dict)
    place: bool = True  # false: no line of the script is to change (the environment is)
    controlled: str | None = None  # the verdict under `--seed N --deterministic`; None: it may be either
    report: str | None = None  # the public report that the script was written after
    needs: tuple[str, ...] = ()  # packages that must be importable where it runs
    folder: Path = HERE  # the corpus it belongs to

    @property
    def scripts(self) -> Path:
        return self.folder / "scripts"

    @property
    def source(self) -> Path:
        return self.scripts / self.file

    @property
    def script(self) -> str:
        """The script's path inside the folder it is copied to."""
        return self.source.name

    def copy_to(self, folder: Path) -> None:
        """Put the script, and its helper modules if it has any, into `folder`."""
        if self.source.parent == self.scripts:
            shutil.copy(self.source, folder)
        else:
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(self.source.parent, folder, dirs_exist_ok=True, ignore=ignore)

    def sources(self) -> list[Path]:
        if self.source.parent == self.scripts:
            return [self.source]
        return sorted(self.source.parent.rglob("*.py"))

    def marked(self, mark: str) -> list[tuple[str, int]]:
        """The (file name, line) of every line that ends with the comment `mark`."""
        return [
            (path.name, number)
            for path in self.sources()
            for number, line in enumerate(path.read_text().splitlines(), 1)
            if line.endswith(f"# {mark}")
        ]

    def places(self) -> set[tuple[str, int]]:
        """The lines any of which is right to name."""
        return {*self.marked("planted"), *self.marked("also")}

    def missing(self) -> list[str]:
        """The packages it needs that this interpreter does not have."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which scripts: one corpus, and of it a pattern."""
    parser.add_argument("--corpus", type=Path, default=HERE, metavar="DIR", help="truth.toml and scripts/")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="name or cause")


def load_runnable(folder: Path, pattern: str) -> list[Entry]:
    """As `load`, without the scripts whose packages are missing here; says which those are."""
    entries = load(folder, pattern)
    for entry in entries:
        if entry.missing():
            print(f"{entry.name}: left out, needs {', '.join(entry.missing())}")
    return [entry for entry in entries if not entry.missing()]


def load(folder: Path = HERE, pattern: str = "*") -> list[Entry]:
    """Read the truth.toml of `folder`; keep the entries whose name or cause matches `pattern`."""
    folder = folder.resolve()
    scripts = folder / "scripts"
    tables = tomllib.loads((folder / "truth.toml").read_text())
    entries = [_entry(folder, name, table) for name, table in tables.items()]
    listed = {entry.file for entry in entries}
    for path in sorted([*scripts.glob("*.py"), *scripts.glob("*/train.py")]):
        if path.relative_to(scripts).as_posix() not in listed:
            raise SystemExit(f"truth.toml: no table for scripts/{path.relative_to(scripts)}")
    return [
        entry
        for entry in entries
        if fnmatch.fnmatch(entry.name, pattern) or fnmatch.fnmatch(entry.cause or "", pattern)
    ]


def _entry(folder: Path, name: str, table: dict[str, object]) -> Entry:
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
    try:
        entry = Entry(name=name, folder=folder, **values)  # type: ignore[arg-type]
    except TypeError as error:
        raise SystemExit(f"truth.toml: [{name}]: {error}") from None
    planted = len(entry.marked("planted"))
    faulty = entry.verdict == "diverged"
    problems = {
        f"no file scripts/{entry.file}": not entry.source.is_file(),
        "verdict is same or diverged": entry.verdict not in ("same", "diverged"),
        f"command is one of {COMMANDS}": entry.command not in COMMANDS,
        "a cause, for a diverging script only": faulty != bool(entry.cause),
        "controlled is same, if anything": entry.controlled not in (None, "same"),
        f"{planted} lines marked `# planted`": planted != int(faulty and entry.place),
    }
    for text, wrong in problems.items():
        if wrong:
            raise SystemExit(f"truth.toml: [{name}]: {text}")
    return entry
