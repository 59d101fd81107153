"""How a process cuts itself short, for `samebits resume`: exactly between two optimizer steps.

From outside a signal would come somewhere in a step, and at another place in each trial.
"""

from __future__ import annotations

import os
import signal

from samebits.observe.session import Session


def cut_short(session: Session) -> None:
    """End this process if the plan says so; once.  SIGTERM is the program's to answer.

    Raises:
        SystemExit: the program is to end by itself.
    """
    kill = session.plan.kill
    if kill is None or session.step != kill[0] or kill[1] == "save":
        return
    session.note("cut_short", session.step)
    session.flush()
    if kill[1] == "end":
        raise SystemExit(0)
    os.kill(os.getpid(), signal.SIGTERM if kill[1] == "term" else signal.SIGKILL)
