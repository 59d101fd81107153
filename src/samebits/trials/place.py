"""Where a trial runs: a copy of the working folder, so that no run sees what another one wrote."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from samebits.launch.program import Program


@contextmanager
def placed(program: Program, folder: Path) -> Iterator[Program]:
    """The program, to be started in a copy of its folder at ``folder``; the copy goes when this ends."""
    try:
        from samebits.launch.mirror import Mirror
    except ImportError:
        yield program
        return
    folder.mkdir(parents=True, exist_ok=True)
    with Mirror(Path(program.folder or os.getcwd()), program, under=folder) as mirror:
        yield mirror.program(program)
