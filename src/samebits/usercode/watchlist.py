"""The watchlist: which calls of user code are evidence, and what is noted of each.

Functions are known by identity, once their module is loaded; methods by the
class of the object they are bound to.  The rewriting asks for the names alone:
a probe is put around a call only if its last name is here.  Names that others
look for, too, come from `samebits.model.calls`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from types import MethodType
from typing import Any, Final

from samebits.model import calls
from samebits.usercode import evidence
from samebits.usercode.evidence import After, Watched

#: Names with spaces between, or a list of `samebits.model.calls`.
_Names = str | tuple[str, ...]

#: module -> (kind, names, what to note, whether essential).
_FUNCTIONS: Final[tuple[tuple[str, str, _Names, After, bool], ...]] = (
    ("builtins", "hash", "hash id", evidence.hashed, False),
    ("time", "clock", (*calls.CLOCKS, *calls.CALENDAR), evidence.clock_read, False),
    ("os", "entropy", calls.OS_ENTROPY, evidence.entropy_read, False),
    ("uuid", "entropy", calls.UUIDS, evidence.entropy_read, False),
    ("secrets", "entropy", (*calls.SECRETS, "choice"), evidence.entropy_read, False),
    ("tempfile", "entropy", calls.TEMPORARY, evidence.entropy_read, False),
    ("os", "listing", "listdir", evidence.listdir, False),
    ("os", "listing", "scandir", evidence.scandir, False),
    ("os", "listing", "walk fwalk", evidence.walk, False),
    ("glob", "listing", "glob iglob", evidence.globbed, False),
    ("os", "variable", "getenv", evidence.variable, False),
    ("os.path", "probe", "exists isfile isdir lexists", evidence.probe, False),
    ("random", "create", calls.PYTHON_GENERATORS + calls.PYTHON_ENTROPY, evidence.make_python, True),
    ("concurrent.futures", "completion", "as_completed", evidence.as_completed, False),
    ("asyncio", "completion", "as_completed", evidence.as_completed, False),
    ("concurrent.futures", "completion", "wait", evidence.waited, False),
    ("concurrent.futures", "thread", "ThreadPoolExecutor ProcessPoolExecutor", evidence.thread, False),
    ("multiprocessing.pool", "thread", "Pool ThreadPool", evidence.thread, False),
    ("multiprocessing.dummy", "thread", "Pool", evidence.thread, False),
    ("torch.multiprocessing", "thread", "spawn start_processes", evidence.thread, False),
    ("pickle", "load", "load", evidence.loaded, False),
    ("joblib", "load", "load", evidence.loaded, False),
    ("safetensors.torch", "load", "load_file", evidence.loaded, False),
    ("numpy", "load", "load", evidence.loaded, False),
    ("numpy", "save", "save savez savez_compressed savetxt", evidence.saved, False),
    ("numpy", "empty", "empty empty_like", evidence.noted, False),
    ("numpy.random", "seed", calls.SEEDERS["numpy.random"], evidence.seed_numpy, True),
    ("numpy.random", "draw", "ranf sample", evidence.draw, False),
    ("numpy.random", "create", (*calls.NUMPY_GENERATORS, "Generator"), evidence.make_numpy, True),
    ("numpy.random", "create", calls.BIT_GENERATORS, evidence.make_bits, True),
    ("torch", "load", "load", evidence.loaded, False),
    ("torch", "save", "save", evidence.saved, False),
    ("torch", "seed", calls.SEEDERS["torch"], evidence.seed_torch, False),
    ("torch", "create", "Generator", evidence.make_torch, False),
    ("torch", "rng-restore", "set_rng_state", evidence.restore, False),
    ("torch.random", "rng-restore", "fork_rng", evidence.restore, False),
    ("torch", "threads", "set_num_threads set_num_interop_threads", evidence.setting, False),
    (
        "torch",
        "flag",
        "use_deterministic_algorithms set_deterministic_debug_mode set_float32_matmul_precision",
        evidence.setting,
        False,
    ),
    ("torch.cuda", "seed", calls.SEEDERS["torch.cuda"], evidence.seed_torch, False),
    ("torch.cuda", "rng-restore", "set_rng_state set_rng_state_all", evidence.restore, False),
    ("torch.mps", "seed", calls.SEEDERS["torch.mps"], evidence.seed_torch, False),
    ("torch.mps", "rng-restore", "set_rng_state", evidence.restore, False),
    ("torch.xpu", "seed", calls.SEEDERS["torch.xpu"], evidence.seed_torch, False),
    ("torch.xpu", "rng-restore", "set_rng_state set_rng_state_all", evidence.restore, False),
)

#: class -> the same; the first column is also how the call is named, before the method.
_METHODS: Final[tuple[tuple[str, str, str, _Names, After, bool], ...]] = (
    ("random.Random", "random", "seed", calls.SEEDERS["random.Random"], evidence.seed_python, True),
    ("random.Random", "random", "draw", calls.PYTHON_DRAWS, evidence.draw, False),
    ("random.Random", "random", "rng-restore", "setstate", evidence.restore, True),
    (
        "random.SystemRandom",
        "random.SystemRandom",
        "entropy",
        calls.PYTHON_DRAWS,
        evidence.entropy_read,
        False,
    ),
    (
        "numpy.random.mtrand.RandomState",
        "numpy.random",
        "seed",
        calls.SEEDERS["numpy.random.mtrand.RandomState"],
        evidence.seed_numpy,
        True,
    ),
    ("numpy.random.mtrand.RandomState", "numpy.random", "draw", calls.NUMPY_DRAWS, evidence.draw, False),
    ("numpy.random.mtrand.RandomState", "numpy.random", "rng-restore", "set_state", evidence.restore, True),
    (
        "numpy.random._generator.Generator",
        "numpy.random.Generator",
        "draw",
        calls.NUMPY_DRAWS,
        evidence.draw,
        False,
    ),
    (
        "torch._C.Generator",
        "torch.Generator",
        "seed",
        calls.SEEDERS["torch._C.Generator"],
        evidence.seed_torch,
        False,
    ),
    ("torch._C.Generator", "torch.Generator", "rng-restore", "set_state", evidence.restore, False),
    ("torch.nn.modules.module.Module", "Module", "load", "load_state_dict", evidence.loaded, False),
    ("torch.optim.optimizer.Optimizer", "Optimizer", "load", "load_state_dict", evidence.loaded, False),
    (
        "torch.optim.lr_scheduler.LRScheduler",
        "LRScheduler",
        "load",
        "load_state_dict",
        evidence.loaded,
        False,
    ),
    ("builtins.set", "set", "iteration", "pop", evidence.popped, False),
    ("builtins.list", "list", "sort", "sort", evidence.list_sorted, False),
    ("os._Environ", "os.environ", "variable", "get setdefault pop", evidence.variable, False),
    ("pathlib.Path", "Path", "listing", "iterdir", evidence.iterdir, False),
    ("pathlib.Path", "Path", "listing", "glob rglob", evidence.path_glob, False),
    ("pathlib.Path", "Path", "probe", "exists is_file is_dir", evidence.probe, False),
    ("threading.Thread", "Thread", "thread", "start", evidence.thread, False),
    ("multiprocessing.process.BaseProcess", "Process", "thread", "start", evidence.thread, False),
    ("multiprocessing.context.BaseContext", "multiprocessing", "thread", "Pool", evidence.thread, False),
    ("multiprocessing.pool.Pool", "Pool", "completion", "imap_unordered", evidence.unordered, False),
    ("concurrent.futures._base.Executor", "Executor", "thread", "submit", evidence.submit, True),
    ("queue.Queue", "Queue", "completion", "get get_nowait", evidence.queue_get, False),
    ("_queue.SimpleQueue", "Queue", "completion", "get get_nowait", evidence.queue_get, False),
    ("multiprocessing.queues.Queue", "Queue", "completion", "get get_nowait", evidence.queue_get, False),
    ("multiprocessing.queues.SimpleQueue", "Queue", "completion", "get", evidence.queue_get, False),
)

#: Class methods: (class, how the call is named, kind, names, what to note).
_CLASS_METHODS: Final[tuple[tuple[str, str, str, _Names, After], ...]] = (
    ("datetime.datetime", "datetime", "clock", calls.DATETIME, evidence.clock_read),
    ("datetime.date", "date", "clock", calls.DATE, evidence.clock_read),
)

#: With a key only (no other call of them gets a probe).
_KEYED: Final = (
    ("sorted", Watched("sort", "sorted", evidence.sorted_by, before=evidence.with_keys)),
    ("min", Watched("iteration", "min", evidence.picked_by, before=evidence.with_keys)),
    ("max", Watched("iteration", "max", evidence.picked_by, before=evidence.with_keys)),
)

#: Wrapped only where given a key.
KEYED: Final = frozenset({"sorted", "min", "max", "sort"})


#: Flags whose new value is noted where one of the owners is before it: ``torch.backends.cudnn.benchmark``.
FLAGS: Final = frozenset(
    {
        "allow_bf16_reduced_precision_reduction",
        "allow_fp16_reduced_precision_reduction",
        "allow_tf32",
        "benchmark",
        "benchmark_limit",
        "deterministic",
        "enabled",
        "fallback_random",
        "fp32_precision",
        "max_autotune",
    }
)
FLAG_OWNERS: Final = frozenset({"backends", "cudnn", "matmul", "inductor", "_inductor", "mkldnn"})


def _each(names: _Names) -> Iterable[str]:
    return names.split() if isinstance(names, str) else names


def functions() -> dict[str, dict[str, Watched]]:
    """Module -> name -> what to note."""
    table: dict[str, dict[str, Watched]] = {}
    for module, kind, names, after, essential in _FUNCTIONS:
        for name in _each(names):
            call = name if module in ("builtins", "concurrent.futures") else f"{module}.{name}"
            table.setdefault(module, {})[name] = Watched(kind, call, after, essential)
    table["builtins"].update(_KEYED)
    return table


@lru_cache(maxsize=1)
def _methods() -> dict[str, dict[str, Watched]]:
    table: dict[str, dict[str, Watched]] = {}
    for kind, prefix, fact, names, after, essential in _METHODS:
        for name in _each(names):
            table.setdefault(kind, {})[name] = Watched(fact, f"{prefix}.{name}", after, essential)
    table["pathlib._local.Path"] = table["pathlib.Path"]
    return table


def methods(kind: type) -> dict[str, Watched]:
    """What is watched of the methods of ``kind``'s instances: method name -> what to note."""
    found: dict[str, Watched] = {}
    for base in reversed(kind.__mro__):
        found.update(_methods().get(f"{base.__module__}.{base.__qualname__}", {}))
    return found


def class_methods(kind: type) -> dict[str, Watched]:
    """Likewise for methods called on the class itself."""
    found: dict[str, Watched] = {}
    for name, prefix, fact, names, after in reversed(_CLASS_METHODS):
        if any(f"{base.__module__}.{base.__qualname__}" == name for base in kind.__mro__):
            found.update({each: Watched(fact, f"{prefix}.{each}", after) for each in _each(names)})
    return found


def helper(function: Any) -> Watched:
    """A library's seeding helper."""
    call = f"{function.__module__}.{function.__name__}"
    return Watched("seed", call, evidence.helper, essential=True, before=evidence.with_states)


@lru_cache(maxsize=4096)
def third_party(function: Any) -> Watched:
    """A third party's function: it may draw from Python's or numpy's global generator."""
    call = f"{function.__module__}.{function.__name__}"
    return Watched("draw", call, evidence.drawn_inside, before=evidence.with_states)


def watched_names() -> frozenset[str]:
    """The last names of every call that may be evidence."""
    names = {name for table in functions().values() for name in table}
    names.update(name for table in _methods().values() for name in table)
    names.update(name for row in _CLASS_METHODS for name in _each(row[3]))
    return frozenset(names | calls.SEEDING_HELPERS)


#: The types whose objects are bound to an owner.
BOUND: Final = frozenset({MethodType, type(len), type("".__str__)})
