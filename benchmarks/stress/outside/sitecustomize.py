"""Patches of a changed run, and what is seen of every run; Python imports this file as it starts.

`STRESS_CHANGE` names the change that is a patch.  At the program's end the weights that its optimizers
stepped are written to `STRESS_OUT`, and workers write there which streams they drew from.
"""

from __future__ import annotations

import os
import sys


def _is_the_program() -> bool:
    """Python's own helpers (`-c`, `-m`) are left alone: they train nothing."""
    return len(sys.orig_argv) > 1 and sys.orig_argv[1].endswith(".py")


if _is_the_program() and "STRESS_OUT" in os.environ:
    import patches
    import seen

    patches.install(os.environ.get("STRESS_CHANGE", ""))
    seen.install(os.environ["STRESS_OUT"])
