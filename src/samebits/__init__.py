"""samebits: same code, same seed, same bits, and when not, the operation that broke it.

The public names are loaded on first use, so that `import samebits` costs
nothing and never imports torch: the command line, a reader of records on a
laptop, and the bootstrap inside every child process all begin here.  A room's
name (`samebits.compare`, `samebits.record`) is the room, never a function.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samebits.compare.verdict import Verdict as Verdict
    from samebits.errors import LaunchError as LaunchError
    from samebits.errors import RecordError as RecordError
    from samebits.errors import SamebitsError as SamebitsError
    from samebits.errors import UsageError as UsageError
    from samebits.launch.verify import verify as verify
    from samebits.record.run import Run as Run
    from samebits.seeding import seed_everything as seed_everything

__version__ = "0.1.0"

#: Public name -> the module that holds it.
_HOMES = {
    "LaunchError": "samebits.errors",
    "RecordError": "samebits.errors",
    "Run": "samebits.record.run",
    "SamebitsError": "samebits.errors",
    "UsageError": "samebits.errors",
    "Verdict": "samebits.compare.verdict",
    "seed_everything": "samebits.seeding",
    "verify": "samebits.launch",
}

__all__ = [
    "LaunchError",
    "RecordError",
    "Run",
    "SamebitsError",
    "UsageError",
    "Verdict",
    "__version__",
    "seed_everything",
    "verify",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'samebits' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
