"""Every error samebits raises on purpose.

    SamebitsError
    ├── UsageError      an argument or option that cannot be meant
    ├── RecordError     a record that is missing, damaged, foreign or of a newer format
    ├── LaunchError     a program that could not be started or stopped
    ├── StateError      a random state that is damaged, foreign, incomplete or of another place
    └── DeterminismError  an operation or a setting that keeps a program from being deterministic

The text of each is one sentence or two for a person: where, what was given,
what was expected, what to do.  The command line prints it and exits with 2.
"""

from __future__ import annotations


class SamebitsError(Exception):
    """The root: catch this to catch every error samebits raises on purpose."""


class UsageError(SamebitsError):
    """An argument or option that cannot be meant."""


class RecordError(SamebitsError):
    """A record that is missing, damaged, foreign or of a newer format."""


class LaunchError(SamebitsError):
    """A program that could not be started or stopped."""


class StateError(SamebitsError, ValueError):
    """A random state that is damaged, foreign, incomplete or of another place; or streams that are taken."""


class DeterminismError(SamebitsError, RuntimeError):
    """An operation or a setting that keeps a program from being deterministic."""
