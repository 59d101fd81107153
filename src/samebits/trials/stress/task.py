"""A process that does one trial: what `stress` starts side by side, and what a cluster's scheduler starts.

    python .../trials/stress/task.py FOLDER NAME [SLOT]

The row is kept in the folder of the trials.  With ``--tethered`` each finished step is a line on the standard
output, and the trial ends as by Ctrl-C once the standard input is closed: then nobody waits for it.
NAME may be a number, of the change in the order of the matrix, or "baseline".
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

if __name__ == "__main__" and __package__ in (None, ""):  # started by its path: samebits' own folder is asked
    sys.path[0] = str(Path(__file__).resolve().parents[3])

from samebits.errors import SamebitsError

#: How long after it was asked to end a trial is asked again; the third time is the hard way.
_TURN: Final = 10.0


def command(folder: Path, name: str, slot: int | None = None) -> list[str]:
    """The words that start one trial; with a slot, tethered to who starts it."""
    words = [sys.executable, str(Path(__file__).resolve()), str(folder), name]
    return words if slot is None else [*words, str(slot), "--tethered"]


def main(words: Sequence[str]) -> int:
    """Do one trial; 0 where there is a row, 2 where there is none."""
    from samebits.trials.stress import baseline, trial
    from samebits.trials.stress.design import Design

    tethered = "--tethered" in words
    folder, name, *rest = (word for word in words if word != "--tethered")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` and nohup leave it ignored
    if tethered:
        threading.Thread(target=_untied, name="samebits-tether", daemon=True).start()
    try:
        design = Design.read(Path(folder))
        design.enter()
        if name == "baseline":
            return baseline.kept(design)
        if name.isdigit():
            name = design.names[int(name)]
        row = trial.run(design, name, int(rest[0]) if rest else None, _told if tethered else None)
        design.keep(row)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except (SamebitsError, OSError, IndexError) as error:
        print(f"samebits: {error}", file=sys.stderr)
        return 2
    return 0


def _told(steps: int) -> None:
    with suppress(OSError, ValueError):
        print(steps, flush=True)


def _untied() -> None:
    with suppress(OSError, ValueError):
        while os.read(0, 64):
            pass
    while True:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(_TURN)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
