"""The programs of this benchmark and the truth about them: two a framework, one clean and one faulty.

`run.py` reads it, to score the product and, with `--truth`, to prove the truth without it.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePath

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
KINDS = ("clean", "faulty")
CELL = re.compile(r"\bcell[ _-]?(\d+)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Framework:
    """The two programs of one framework, with what is to be said of the faulty one."""

    name: str
    causes: tuple[str, ...]  # any of them is right as the first
    fix: tuple[str, ...]  # any of them must stand in the printed fix
    command: tuple[str, ...] = ("{}.py",)  # what follows `samebits verify`; {} becomes the program's kind
    controlled: bool = True  # false: nothing that `samebits run` sets can make the faulty program repeat

    @property
    def folder(self) -> Path:
        return PROGRAMS / self.name

    def words(self, kind: str) -> list[str]:
        """The command line of one program, after `samebits verify` or `samebits run`."""
        return [word.replace("{}", kind) for word in self.command]

    def plain(self, kind: str) -> list[str]:
        """The command line that runs it without the product."""
        words = self.words(kind)
        if words[0] != "--":
            return [sys.executable, *words]
        return [str(Path(sys.executable).with_name(words[1])), *words[2:]]

    def copy_to(self, folder: Path) -> None:
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))

    def places(self) -> set[tuple[str, int]]:
        """The (file or cell, line) any of which is right to name."""
        return {*self.marked("planted"), *self.marked("also")}

    def marked(self, mark: str) -> list[tuple[str, int]]:
        found = []
        for path in sorted(self.folder.rglob("*")):
            if path.suffix == ".ipynb":
                cells = [cell["source"] for cell in json.loads(path.read_text())["cells"]]
                texts = {f"cell {number}": "".join(source) for number, source in enumerate(cells, 1)}
            elif path.suffix in (".py", ".yaml"):
                texts = {path.name: path.read_text()}
            else:
                continue
            found += [
                (name, number)
                for name, text in texts.items()
                for number, line in enumerate(text.splitlines(), 1)
                if line.endswith(f"# {mark}")
            ]
        return found


def place(file: str | None, line: int | None) -> tuple[str, int] | None:
    """A finding's file and line as `Framework.places` has them."""
    if not file or not line:
        return None
    cell = CELL.search(file)
    return (f"cell {cell[1]}" if cell else PurePath(file).name, line)


def load(pattern: str = "*") -> list[Framework]:
    """Read truth.toml; keep the frameworks whose name matches `pattern`."""
    tables = tomllib.loads((HERE / "truth.toml").read_text())
    found = [
        Framework(name, **{key: tuple(v) if isinstance(v, list) else v for key, v in table.items()})
        for name, table in tables.items()
    ]
    if unlisted := {path.name for path in PROGRAMS.iterdir()} - {framework.name for framework in found}:
        raise SystemExit(f"truth.toml has no table for {', '.join(sorted(unlisted))}")
    for framework in found:
        if len(framework.marked("planted")) != 1:
            raise SystemExit(f"truth.toml: [{framework.name}]: one line is to be marked `# planted`")
    return [framework for framework in found if fnmatch.fnmatch(framework.name, pattern)]


def environment() -> dict[str, str]:
    """What a program starts with: nothing that changes its numbers, and nothing that asks the network."""
    cleared = ("PYTHONHASHSEED", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "ATEN_CPU_CAPABILITY")
    kept = {key: value for key, value in os.environ.items() if key not in cleared}
    tools = str(Path(sys.executable).parent)
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "NO_ALBUMENTATIONS_UPDATE": "1"}
    return {**kept, **offline, "PATH": tools + os.pathsep + os.environ.get("PATH", "")}
