"""Where a trial runs: a mirror of the working folder, so that no run sees what another one wrote.

Runs of one place have one path: the next begins when the last one has ended and its mirror is gone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from samebits.launch.mirror import Mirror
from samebits.launch.program import Program


@contextmanager
def placed(program: Program, folder: Path) -> Iterator[Program]:
    """The program, to be started in a mirror of its folder below ``folder``; the mirror goes when this ends.

    Raises:
        LaunchError: there can be none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    here = Path(program.folder or os.getcwd())
    with Mirror(here, program, under=folder, name="trial") as mirror:
        yield mirror.program(program)
    with suppress(OSError):
        folder.rmdir()
