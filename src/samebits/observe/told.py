"""What a process was told as it was started, as a digest: by this the commands of two runs are known.

The digest is over words, folder and variables; none of them is kept.
"""

from __future__ import annotations

import json
import os
import sys
from hashlib import blake2b
from typing import Final

#: Variables that say how a process was started and nothing that it is told.
_VARIABLES: Final = frozenset({"_", "SHLVL", "OLDPWD", "PWD"})


def told(cwd: str) -> bytes:
    """A digest of what this process was told as it was started: its words, its folder and its variables."""
    environment = sorted(
        (name, value)
        for name, value in os.environ.items()
        if name not in _VARIABLES and not name.startswith("SAMEBITS_")
    )
    told = json.dumps([sys.orig_argv, cwd, environment])
    return blake2b(told.encode(), digest_size=16).digest()
