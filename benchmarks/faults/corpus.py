"""The fault corpus as data: which scripts there are, and which line of each is to change.

Both programs of this folder read it: `run.py`, which scores the product, and
`check_truth.py`, which proves the truth without the product.
"""

from __future__ import annotations

import fnmatch
import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE / "scripts"
COMMANDS = ("verify", "compare", "torchrun")


@dataclass(frozen=True)
class Entry:
    """One script of the corpus with its truth."""

    name: str
    file: str  # below scripts/; a script with helpers lies in a folder of its own
    verdict: str
    cause: str | None = None
    command: str = "verify"
    args: tuple[str, ...] = ()  # for the product, before the script
    script_args: tuple[str, ...] = ()
    env_a: dict[str, str] = field(default_factory=dict)  # for `compare`: the two runs
    env_b: dict[str, str] = field(default_factory=dict)
    place: bool = True  # false: no line of the script is to change (the environment is)
    controlled: str | None = None  # the verdict under `--seed N --deterministic`; None: it may be either

    @property
    def source(self) -> Path:
        return SCRIPTS / self.file

    @property
    def script(self) -> str:
        """The script's path inside the folder it is copied to."""
        return self.source.name

    def copy_to(self, folder: Path) -> None:
        """Put the script, and its helper modules if it has any, into `folder`."""
        if self.source.parent == SCRIPTS:
            shutil.copy(self.source, folder)
        else:
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(self.source.parent, folder, dirs_exist_ok=True, ignore=ignore)

    def sources(self) -> list[Path]:
        if self.source.parent == SCRIPTS:
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


def load(pattern: str = "*") -> list[Entry]:
    """Read truth.toml; keep the entries whose name or cause matches `pattern`."""
    tables = tomllib.loads((HERE / "truth.toml").read_text())
    entries = [_entry(name, table) for name, table in tables.items()]
    listed = {entry.file for entry in entries}
    for path in sorted([*SCRIPTS.glob("*.py"), *SCRIPTS.glob("*/train.py")]):
        if path.relative_to(SCRIPTS).as_posix() not in listed:
            raise SystemExit(f"truth.toml: no table for scripts/{path.relative_to(SCRIPTS)}")
    return [
        entry
        for entry in entries
        if fnmatch.fnmatch(entry.name, pattern) or fnmatch.fnmatch(entry.cause or "", pattern)
    ]


def _entry(name: str, table: dict[str, object]) -> Entry:
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
    try:
        entry = Entry(name=name, **values)  # type: ignore[arg-type]
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
