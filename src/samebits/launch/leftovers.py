"""What the first run left in the working directory: a cache, a checkpoint, a preview.

A second run that finds it may take another way, and a third and fourth that both find it agree.  To see
the first pair's difference again, what the runs made is put aside while the pair is run once more, and
put back where the new runs did not make it anew.  Files that were there before are never touched.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

#: A folder with more entries than this is not looked at: leftovers are then not put aside.
MOST: Final = 20_000


class Leftovers:
    """Remembers what is below ``folder``, apart from the runs kept in ``out``."""

    def __init__(self, folder: Path, out: Path) -> None:
        self._folder = folder
        self._out = out.resolve()
        self._before = self._entries()

    def _entries(self) -> set[Path] | None:
        found: set[Path] = set()
        for root, folders, files in os.walk(self._folder):
            here = Path(root)
            folders[:] = [
                name for name in folders if name != "__pycache__" and (here / name).resolve() != self._out
            ]
            found.update(here / name for name in (*folders, *files))
            if len(found) > MOST:
                return None
        return found

    def made(self) -> list[Path]:
        """The topmost files and folders that are new since."""
        now = self._entries()
        if self._before is None or now is None:
            return []
        new = now - self._before
        return sorted(path for path in new if path.parent not in new)

    @contextmanager
    def aside(self) -> Iterator[bool]:
        """While it lasts the folder holds what it held at first; False if nothing had to move."""
        new = self.made()
        if not new:
            yield False
            return
        held = self._out / f"aside-{os.getpid()}"
        moved: list[tuple[Path, Path]] = []
        try:
            held.mkdir(parents=True)
            for number, path in enumerate(new):
                kept = held / f"{number}-{path.name}"
                os.rename(path, kept)
                moved.append((path, kept))
            yield True
        finally:
            for path, kept in moved:
                if not path.exists() and path.parent.is_dir():
                    os.rename(kept, path)
            shutil.rmtree(held, ignore_errors=True)
