"""The corpus as data: which scripts there are, how each is resumed, and what its checkpoint lacks.

`check_truth.py` reads it to prove the truth without the product, and so does whoever scores the product.
"""

from __future__ import annotations

import fnmatch
import importlib.util
import shlex
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE / "scripts"

#: The states that a checkpoint may lack; README.md says what each means.
LOST = (
    "python",
    "numpy",
    "torch",
    "generator",
    "loader-position",
    "sampler-epoch",
    "scheduler",
    "optimizer",
    "scaler",
    "ema",
    "buffers",
    "model",
    "workers",
    "counter",
    "other",
)
HOW = ("not saved", "not loaded")


@dataclass(frozen=True)
class Entry:
    """One script of the corpus with its truth."""

    name: str
    file: str  # below scripts/; a script with helpers lies in a folder of its own
    checkpoint: str  # a glob in the folder it runs in, of what is there once it can be resumed
    resume: str = ""  # the words that it is started with again; none where it goes on by itself
    lost: str | None = None  # None: the resumed run has the same weights
    how: str | None = None
    also: tuple[str, ...] = ()  # words that are as right, for `lost` or for `how`
    mend: tuple[tuple[str, str], ...] = ()  # (old, new): texts that make a lossy script a complete one
    needs: tuple[str, ...] = ()  # packages that must be importable where it runs

    @property
    def source(self) -> Path:
        return SCRIPTS / self.file

    @property
    def script(self) -> str:
        """The script's path inside the folder it is copied to."""
        return self.source.name

    @property
    def words(self) -> list[str]:
        return shlex.split(self.resume)

    def sources(self) -> list[Path]:
        if self.source.parent == SCRIPTS:
            return [self.source]
        return sorted(self.source.parent.rglob("*.py"))

    def copy_to(self, folder: Path, *, mended: bool = False) -> None:
        """Put the script and its helper modules into `folder`; mended, with the texts of `mend` replaced."""
        for path in self.sources():
            target = folder / path.relative_to(self.source.parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            if mended:
                text = path.read_text()
                for old, new in self.mend:
                    text = text.replace(old, new)
                target.write_text(text)
            else:
                shutil.copy(path, target)

    def marked(self, mark: str) -> list[tuple[str, int]]:
        """The (file name, line) of every line that ends with the comment `mark`."""
        return [
            (path.name, number)
            for path in self.sources()
            for number, line in enumerate(path.read_text().splitlines(), 1)
            if line.endswith(f"# {mark}")
        ]

    @property
    def save(self) -> tuple[str, int]:
        """Where the checkpoint is written."""
        return self.marked("saved")[0]

    @property
    def saves(self) -> set[tuple[str, int]]:
        """The lines any of which is right to name as the one that writes it."""
        return {self.save, *self.marked("also")}

    @property
    def load(self) -> tuple[str, int]:
        """Where the checkpoint is read; that is the line of `save` where a framework's one call does both."""
        return (self.marked("loaded") or [self.save])[0]

    def missing(self) -> list[str]:
        """The packages it needs that this interpreter does not have."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]


def load(pattern: str = "*") -> list[Entry]:
    """Read truth.toml; keep the entries whose name or lost state matches `pattern`, or `complete`."""
    tables = tomllib.loads((HERE / "truth.toml").read_text())
    entries = [_entry(name, table) for name, table in tables.items()]
    listed = {entry.file for entry in entries}
    for path in sorted([*SCRIPTS.glob("*.py"), *SCRIPTS.glob("*/train.py")]):
        if path.relative_to(SCRIPTS).as_posix() not in listed:
            raise SystemExit(f"truth.toml: no table for scripts/{path.relative_to(SCRIPTS)}")
    return [
        entry
        for entry in entries
        if fnmatch.fnmatch(entry.name, pattern) or fnmatch.fnmatch(entry.lost or "complete", pattern)
    ]


def load_runnable(pattern: str) -> list[Entry]:
    """As `load`, without the scripts whose packages are missing here; says which those are."""
    entries = load(pattern)
    for entry in entries:
        if entry.missing():
            print(f"{entry.name}: left out, needs {', '.join(entry.missing())}")
    return [entry for entry in entries if not entry.missing()]


def _entry(name: str, table: dict[str, object]) -> Entry:
    values = {k: tuple(map(_pair, v)) if isinstance(v, list) else v for k, v in table.items()}
    try:
        entry = Entry(name=name, **values)  # type: ignore[arg-type]
    except TypeError as error:
        raise SystemExit(f"truth.toml: [{name}]: {error}") from None
    if not entry.source.is_file():
        raise SystemExit(f"truth.toml: [{name}]: no file scripts/{entry.file}")
    texts = [path.read_text() for path in entry.sources()]
    counts = {old: sum(text.count(old) for text in texts) for old, _ in entry.mend}
    problems = {
        f"lost is one of {LOST}": entry.lost not in (None, *LOST),
        f"how is one of {HOW}, for a lossy script only": entry.how not in (HOW if entry.lost else (None,)),
        "a lossy script has a mend, and a complete one none": bool(entry.mend) != bool(entry.lost),
        "one line is marked `# saved`": len(entry.marked("saved")) != 1,
        "one line at most is marked `# loaded`": len(entry.marked("loaded")) > 1,
        "also has words of lost and how": not {*entry.also} <= {*LOST, *HOW}
        or bool(entry.also) > bool(entry.lost),
    }
    problems |= {f"{old!r} is {count} times in the source": count != 1 for old, count in counts.items()}
    for text, wrong in problems.items():
        if wrong:
            raise SystemExit(f"truth.toml: [{name}]: {text}")
    return entry


def _pair(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
