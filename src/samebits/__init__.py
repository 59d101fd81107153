"""samebits: same code, same seed, same bits, and when not, the operation that broke it.

The public names are loaded on first use, so that `import samebits` costs
nothing and never imports torch: the command line, a reader of records on a
laptop, and the bootstrap inside every child process all begin here.

The packages inside (`samebits.random`, `samebits.data`, ...) are names, too, loaded the same way.  One
is a function as well: `samebits.record("train.py")` records a program, and `samebits.record.run` is a module,
whatever was imported before (`CallableModule` says how).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from samebits._runtime.lazy import lazy

if TYPE_CHECKING:
    from samebits import arithmetic as arithmetic
    from samebits import audit as audit
    from samebits import causes as causes
    from samebits import compare as compare
    from samebits import compat as compat
    from samebits import data as data
    from samebits import determinism as determinism
    from samebits import errors as errors
    from samebits import integrations as integrations
    from samebits import launch as launch
    from samebits import manifest as manifest
    from samebits import metrics as metrics
    from samebits import ops as ops
    from samebits import random as random
    from samebits import report as report
    from samebits import seeding as seeding
    from samebits import selftest as selftest
    from samebits import source as source
    from samebits import trials as trials
    from samebits.arithmetic.mode import portable as portable
    from samebits.compare.verdict import Verdict as Verdict
    from samebits.determinism.mode import deterministic as deterministic
    from samebits.errors import DeterminismError as DeterminismError
    from samebits.errors import LaunchError as LaunchError
    from samebits.errors import RecordError as RecordError
    from samebits.errors import SamebitsError as SamebitsError
    from samebits.errors import StateError as StateError
    from samebits.errors import UsageError as UsageError
    from samebits.errors import UsageTypeError as UsageTypeError
    from samebits.launch.doctor import doctor as doctor
    from samebits.launch.functions import record as record
    from samebits.launch.functions import run as run
    from samebits.launch.functions import verify as verify
    from samebits.record.run import Run as Run
    from samebits.report.figure import plot as plot
    from samebits.seeding import Key as Key
    from samebits.seeding import Seeded as Seeded
    from samebits.seeding import Streams as Streams
    from samebits.seeding import capture_rng as capture_rng
    from samebits.seeding import ensure_hash_seed as ensure_hash_seed
    from samebits.seeding import isolated as isolated
    from samebits.seeding import preserved as preserved
    from samebits.seeding import restore_rng as restore_rng
    from samebits.seeding import seed_everything as seed_everything
    from samebits.trials.functions import cure as cure
    from samebits.trials.functions import resume as resume
    from samebits.trials.functions import stress as stress

__version__ = "0.1.0"

#: Public name -> the module that holds it.
_HOMES = {
    "DeterminismError": "samebits.errors",
    "Key": "samebits.seeding",
    "LaunchError": "samebits.errors",
    "RecordError": "samebits.errors",
    "Run": "samebits.record.run",
    "SamebitsError": "samebits.errors",
    "Seeded": "samebits.seeding",
    "StateError": "samebits.errors",
    "Streams": "samebits.seeding",
    "UsageError": "samebits.errors",
    "UsageTypeError": "samebits.errors",
    "Verdict": "samebits.compare.verdict",
    "capture_rng": "samebits.seeding",
    "cure": "samebits.trials.functions",
    "deterministic": "samebits.determinism",
    "doctor": "samebits.launch.doctor",
    "ensure_hash_seed": "samebits.seeding",
    "isolated": "samebits.seeding",
    "plot": "samebits.report.figure",
    "portable": "samebits.arithmetic.mode",
    "preserved": "samebits.seeding",
    "restore_rng": "samebits.seeding",
    "resume": "samebits.trials.functions",
    "run": "samebits.launch.functions",
    "seed_everything": "samebits.seeding",
    "stress": "samebits.trials.functions",
    "verify": "samebits.launch.functions",
}

#: Packages that are names of this one, loaded on first use.
_PACKAGES = (
    "arithmetic",
    "audit",
    "causes",
    "compare",
    "compat",
    "control",
    "data",
    "determinism",
    "errors",
    "integrations",
    "launch",
    "manifest",
    "metrics",
    "model",
    "observe",
    "ops",
    "random",
    "record",
    "report",
    "seeding",
    "selftest",
    "source",
    "trials",
    "usercode",
)

#: A package that is a function, too -> the module of that function.
_CALLED = {"record": "samebits.launch.functions"}

__all__ = [
    "DeterminismError",
    "Key",
    "LaunchError",
    "RecordError",
    "Run",
    "SamebitsError",
    "Seeded",
    "StateError",
    "Streams",
    "UsageError",
    "UsageTypeError",
    "Verdict",
    "__version__",
    "capture_rng",
    "cure",
    "deterministic",
    "doctor",
    "ensure_hash_seed",
    "isolated",
    "plot",
    "portable",
    "preserved",
    "record",
    "restore_rng",
    "resume",
    "run",
    "seed_everything",
    "stress",
    "verify",
]


if not TYPE_CHECKING:  # to a type checker a name that is not above is a mistake
    __getattr__ = lazy(__name__, _HOMES, _PACKAGES)


def __dir__() -> list[str]:
    return sorted({*__all__, *_PACKAGES})
