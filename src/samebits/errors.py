"""Every error samebits raises on purpose.

    SamebitsError
    ├── UsageError      an argument or option that cannot be meant; a ValueError, too
    │   └── UsageTypeError  one of the wrong type; a TypeError, too
    ├── RecordError     a record that is missing, damaged, foreign or of a newer format
    ├── LaunchError     a program that could not be started or stopped
    ├── StateError      a random state that is damaged, foreign or of another place; a ValueError, too
    └── DeterminismError  what keeps a program from being deterministic; a RuntimeError, too

The text of each is one sentence or two for a person: where, what was given,
what was expected, what to do.  The command line prints it and exits with 2.

Not of this tree is what stands in for a function of torch's under `samebits.deterministic()` and
`samebits.random.portable()`: a wrong index or dtype raises there what torch itself raises (IndexError,
RuntimeError), so that a program meets the same errors with and without samebits.  AttributeError for a name
that a package or an object does not have stays Python's, as `hasattr` and `copy` need it.
"""

from __future__ import annotations


class SamebitsError(Exception):
    """The root: catch this to catch every error samebits raises on purpose."""


class UsageError(SamebitsError, ValueError):
    """An argument or option that cannot be meant."""


class UsageTypeError(UsageError, TypeError):
    """An argument of a type that cannot be meant."""


class RecordError(SamebitsError):
    """A record that is missing, damaged, foreign or of a newer format."""


class LaunchError(SamebitsError):
    """A program that could not be started or stopped."""


class StateError(SamebitsError, ValueError):
    """A random state that is damaged, foreign, incomplete or of another place; or streams that are taken."""


class DeterminismError(SamebitsError, RuntimeError):
    """An operation or a setting that keeps a program from being deterministic."""
