"""By what key a process and its record are known in every run: by its rank, or by how its parent started it.

A key is a place in the tree of processes, never a pid: "main", "rank3", "main/Process-2", "main/child#2".
Where several children have the same name they are numbered.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

PROCESS: Final = "SAMEBITS_PROCESS"  # the key of the parent process, if the parent is observed
_UNNAMED: Final = ("main", "child")  # what a process is called that multiprocessing did not start


class RecordKey:
    """The key of this process."""

    def __init__(self) -> None:
        self.text = ""  # empty until the record is made
        self._parent = os.environ.get(PROCESS, "")
        self._fork_count = 0  # children of `os.fork` so far, see `before_fork`
        self._next_fork = 0  # the number of the child that is being forked; 0: it has no number
        self._fork_number = 0  # this process's own number among the children its parent forked

    @property
    def rank(self) -> int:
        return int(os.environ["RANK"]) if os.environ.get("RANK", "").isdigit() else 0

    @property
    def name(self) -> str:
        """The key, but for a number that tells children of one name apart."""
        mp = sys.modules.get("multiprocessing.process")
        name = mp.current_process().name if mp else "MainProcess"
        ranked = f"rank{self.rank}" if os.environ.get("RANK", "").isdigit() else ""
        if name != "MainProcess":
            return f"{self._parent or ranked or 'main'}/{name}"
        if ranked and ranked not in self._parent.split("/"):
            return ranked
        return f"{self._parent}/child" if self._parent else "main"

    @property
    def is_named(self) -> bool:
        """Whether multiprocessing named this process, or a launcher of ranks did."""
        return self.name.rpartition("/")[2] not in _UNNAMED

    @property
    def is_child(self) -> bool:
        """Whether another observed process started this one."""
        return "/" in (self.text or self.name)

    def choose(self, folder: Path) -> Path:
        """Fix the key; returns where its record is to be made, in the folder of the run."""
        name, number = self.name, max(self._fork_number, 1)
        while True:  # several children may have the same name
            self.text = name if number == 1 else f"{name}#{number}"
            path = folder / f"{self.text.replace('/', '~')}.db"
            if not path.exists():
                return path
            number += 1

    def before_fork(self) -> None:
        """Number the child that `os.fork` is about to make, whichever child imports torch first."""
        caller = sys._getframe(1).f_globals.get("__name__", "")
        self._next_fork = 0
        # multiprocessing gives its children names; those of subprocess become another program.
        if not caller.startswith(("multiprocessing.", "subprocess")):
            self._fork_count += 1
            self._next_fork = self._fork_count

    def after_fork(self) -> None:
        """In a forked child: the parent's key is that of the parent."""
        self._fork_number, self._next_fork, self._fork_count = self._next_fork, 0, 0
        self._parent = self.text or self._parent or "main"
        self.text = ""
