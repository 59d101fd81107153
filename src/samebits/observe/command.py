"""A digest of the command that started this process, by which the commands of two runs are matched.

It covers the command's words, the working folder and the environment variables; none of them is kept.
"""

from __future__ import annotations

import json
import os
import sys
from hashlib import blake2b
from typing import Final

from samebits._runtime import mirrored
from samebits.manifest import alike

#: Variables that a shell, jupyter or pytest-xdist sets for every command it starts, and others in each run;
#: and what git is told in a mirror.
_VARIABLES: Final = frozenset(
    {"_", "SHLVL", "OLDPWD", "PWD", "JPY_PARENT_PID", "PYTEST_XDIST_TESTRUNUID", "GIT_OPTIONAL_LOCKS"}
)


def command_digest(cwd: str) -> bytes:
    """A digest of the words, the folder and the variables with which this process was started."""
    environment = sorted(
        (name, mirrored.real(value))
        for name, value in os.environ.items()
        if name not in _VARIABLES and not name.startswith("SAMEBITS_")
    )
    words = [mirrored.real(word) for word in alike(sys.orig_argv)]
    command = json.dumps([words, mirrored.real(cwd), environment])
    return blake2b(command.encode(), digest_size=16).digest()


def working_folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return os.sep
