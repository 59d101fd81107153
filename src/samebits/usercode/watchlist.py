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

from samebits.model import calls, facts
from samebits.model.facts import Detail
from samebits.usercode import on_generators, on_orders, on_readings, on_workers
from samebits.usercode.watched import After, Watched

#: Names with spaces between, or a list of `samebits.model.calls`.
_Names = str | tuple[str, ...]

#: module -> (kind, names, what to note, whether essential).
_FUNCTIONS: Final[tuple[tuple[str, type[Detail], _Names, After, bool], ...]] = (
    ("builtins", facts.Hash, "hash id", on_readings.hashed, False),
    ("time", facts.Clock, (*calls.CLOCKS, *calls.CALENDAR), on_readings.clock_read, False),
    ("timeit", facts.Clock, "timeit default_timer", on_readings.clock_read, False),
    ("asyncio", facts.Clock, "wait_for timeout timeout_at", on_readings.limit_set, False),
    ("sched", facts.Clock, "scheduler", on_readings.alarm_set, False),
    ("threading", facts.Clock, "Timer", on_readings.alarm_set, False),
    ("signal", facts.Clock, "alarm setitimer", on_readings.alarm_set, False),
    ("os", facts.Entropy, calls.OS_ENTROPY, on_readings.entropy_read, False),
    ("uuid", facts.Entropy, calls.UUIDS, on_readings.entropy_read, False),
    ("secrets", facts.Entropy, (*calls.SECRETS, "choice"), on_readings.entropy_read, False),
    ("tempfile", facts.Entropy, calls.TEMPORARY, on_readings.entropy_read, False),
    ("os", facts.Listing, "listdir", on_orders.listdir, False),
    ("os", facts.Listing, "scandir", on_orders.scandir, False),
    ("os", facts.Listing, "walk fwalk", on_orders.walk, False),
    ("glob", facts.Listing, "glob iglob", on_orders.globbed, False),
    ("os", facts.Variable, "getenv", on_readings.variable, False),
    ("os.path", facts.Probe, "exists isfile isdir lexists", on_readings.probe, False),
    ("random", facts.Create, calls.PYTHON_GENERATORS + calls.PYTHON_ENTROPY, on_generators.make_python, True),
    ("concurrent.futures", facts.Completion, "as_completed", on_workers.as_completed, False),
    ("asyncio", facts.Completion, "as_completed", on_workers.as_completed, False),
    ("concurrent.futures", facts.Completion, "wait", on_workers.waited, False),
    ("concurrent.futures", facts.Thread, "ThreadPoolExecutor ProcessPoolExecutor", on_workers.thread, False),
    ("multiprocessing.pool", facts.Thread, "Pool ThreadPool", on_workers.thread, False),
    ("multiprocessing.dummy", facts.Thread, "Pool", on_workers.thread, False),
    ("torch.multiprocessing", facts.Thread, "spawn start_processes", on_workers.thread, False),
    ("pickle", facts.Load, "load", on_readings.loaded, False),
    ("joblib", facts.Load, "load", on_readings.loaded, False),
    ("safetensors.torch", facts.Load, "load_file", on_readings.loaded, False),
    ("numpy", facts.Load, "load", on_readings.loaded, False),
    ("numpy", facts.Save, "save savez savez_compressed savetxt", on_readings.saved, False),
    ("numpy", facts.Empty, "empty empty_like", on_readings.made_empty, False),
    ("numpy.random", facts.Seed, calls.SEEDERS["numpy.random"], on_generators.seed_numpy, True),
    ("numpy.random", facts.Draw, "ranf sample", on_generators.draw, False),
    ("numpy.random", facts.Create, (*calls.NUMPY_GENERATORS, "Generator"), on_generators.make_numpy, True),
    ("numpy.random", facts.Create, calls.BIT_GENERATORS, on_generators.make_bits, True),
    ("torch", facts.Load, "load", on_readings.loaded, False),
    ("torch", facts.Save, "save", on_readings.saved, False),
    ("torch", facts.Seed, calls.SEEDERS["torch"], on_generators.seed_torch, False),
    ("torch", facts.Create, "Generator", on_generators.make_torch, False),
    ("torch", facts.RngRestore, "set_rng_state", on_generators.restore, False),
    ("torch.random", facts.RngRestore, "fork_rng", on_generators.restore, False),
    ("torch", facts.Threads, "set_num_threads set_num_interop_threads", on_readings.threads_set, False),
    (
        "torch",
        facts.Flag,
        "use_deterministic_algorithms set_deterministic_debug_mode set_float32_matmul_precision",
        on_readings.flag_set,
        False,
    ),
    ("torch.cuda", facts.Seed, calls.SEEDERS["torch.cuda"], on_generators.seed_torch, False),
    ("torch.cuda", facts.RngRestore, "set_rng_state set_rng_state_all", on_generators.restore, False),
    ("torch.mps", facts.Seed, calls.SEEDERS["torch.mps"], on_generators.seed_torch, False),
    ("torch.mps", facts.RngRestore, "set_rng_state", on_generators.restore, False),
    ("torch.xpu", facts.Seed, calls.SEEDERS["torch.xpu"], on_generators.seed_torch, False),
    ("torch.xpu", facts.RngRestore, "set_rng_state set_rng_state_all", on_generators.restore, False),
)

#: class -> the same; the first column is also how the call is named, before the method.
_METHODS: Final[tuple[tuple[str, str, type[Detail], _Names, After, bool], ...]] = (
    ("random.Random", "random", facts.Seed, calls.SEEDERS["random.Random"], on_generators.seed_python, True),
    ("random.Random", "random", facts.Draw, calls.PYTHON_DRAWS, on_generators.draw, False),
    ("random.Random", "random", facts.RngRestore, "setstate", on_generators.restore, True),
    (
        "random.SystemRandom",
        "random.SystemRandom",
        facts.Entropy,
        calls.PYTHON_DRAWS,
        on_readings.entropy_read,
        False,
    ),
    (
        "numpy.random.mtrand.RandomState",
        "numpy.random",
        facts.Seed,
        calls.SEEDERS["numpy.random.mtrand.RandomState"],
        on_generators.seed_numpy,
        True,
    ),
    (
        "numpy.random.mtrand.RandomState",
        "numpy.random",
        facts.Draw,
        calls.NUMPY_DRAWS,
        on_generators.draw,
        False,
    ),
    (
        "numpy.random.mtrand.RandomState",
        "numpy.random",
        facts.RngRestore,
        "set_state",
        on_generators.restore,
        True,
    ),
    (
        "numpy.random._generator.Generator",
        "numpy.random.Generator",
        facts.Draw,
        calls.NUMPY_DRAWS,
        on_generators.draw,
        False,
    ),
    (
        "torch._C.Generator",
        "torch.Generator",
        facts.Seed,
        calls.SEEDERS["torch._C.Generator"],
        on_generators.seed_torch,
        False,
    ),
    (
        "torch.utils.benchmark.utils.timer.Timer",
        "benchmark.Timer",
        facts.Clock,
        "timeit blocked_autorange adaptive_autorange",
        on_readings.alarm_set,
        False,
    ),
    ("torch._C.Generator", "torch.Generator", facts.RngRestore, "set_state", on_generators.restore, False),
    ("torch.nn.modules.module.Module", "Module", facts.Load, "load_state_dict", on_readings.loaded, False),
    (
        "torch.optim.optimizer.Optimizer",
        "Optimizer",
        facts.Load,
        "load_state_dict",
        on_readings.loaded,
        False,
    ),
    (
        "torch.optim.lr_scheduler.LRScheduler",
        "LRScheduler",
        facts.Load,
        "load_state_dict",
        on_readings.loaded,
        False,
    ),
    ("builtins.set", "set", facts.Iteration, "pop", on_orders.popped, False),
    ("builtins.list", "list", facts.Sort, "sort", on_orders.list_sorted, False),
    ("os._Environ", "os.environ", facts.Variable, "get setdefault pop", on_readings.variable, False),
    ("pathlib.Path", "Path", facts.Listing, "iterdir", on_orders.iterdir, False),
    ("pathlib.Path", "Path", facts.Listing, "glob rglob", on_orders.path_glob, False),
    ("pathlib.Path", "Path", facts.Probe, "exists is_file is_dir", on_readings.probe, False),
    ("threading.Thread", "Thread", facts.Thread, "start", on_workers.thread, False),
    ("multiprocessing.process.BaseProcess", "Process", facts.Thread, "start", on_workers.thread, False),
    (
        "multiprocessing.context.BaseContext",
        "multiprocessing",
        facts.Thread,
        "Pool",
        on_workers.thread,
        False,
    ),
    ("multiprocessing.pool.Pool", "Pool", facts.Completion, "imap_unordered", on_workers.unordered, False),
    (
        "multiprocessing.pool.Pool",
        "Pool",
        facts.Completion,
        "apply_async map_async starmap_async",
        on_workers.called_back,
        False,
    ),
    (
        "concurrent.futures._base.Future",
        "Future",
        facts.Completion,
        "add_done_callback",
        on_workers.called_back,
        False,
    ),
    ("concurrent.futures._base.Executor", "Executor", facts.Thread, "submit", on_workers.submit, True),
    ("queue.Queue", "Queue", facts.Completion, "get get_nowait", on_workers.queue_get, False),
    ("_queue.SimpleQueue", "Queue", facts.Completion, "get get_nowait", on_workers.queue_get, False),
    (
        "multiprocessing.queues.Queue",
        "Queue",
        facts.Completion,
        "get get_nowait",
        on_workers.queue_get,
        False,
    ),
    ("multiprocessing.queues.SimpleQueue", "Queue", facts.Completion, "get", on_workers.queue_get, False),
)

#: Class methods: (class, how the call is named, kind, names, what to note).
_CLASS_METHODS: Final[tuple[tuple[str, str, type[Detail], _Names, After], ...]] = (
    ("datetime.datetime", "datetime", facts.Clock, calls.DATETIME, on_readings.clock_read),
    ("datetime.date", "date", facts.Clock, calls.DATE, on_readings.clock_read),
)

#: With a key only (no other call of them gets a probe).
_KEYED: Final = (
    ("sorted", Watched(facts.Sort, "sorted", on_orders.sorted_by, before=on_orders.with_keys)),
    ("min", Watched(facts.Iteration, "min", on_orders.picked_by, before=on_orders.with_keys)),
    ("max", Watched(facts.Iteration, "max", on_orders.picked_by, before=on_orders.with_keys)),
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
    return {name: watched for name, watched in found.items() if not on_generators.seen_below(watched)}


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
    return Watched(facts.Seed, call, on_generators.helper, essential=True, before=on_generators.with_states)


@lru_cache(maxsize=4096)
def third_party(function: Any) -> Watched:
    """A third party's function: it may draw from Python's or numpy's global generator."""
    call = f"{function.__module__}.{function.__name__}"
    return Watched(facts.Draw, call, on_generators.drawn_inside, before=on_generators.with_states)


def watched_names() -> frozenset[str]:
    """The last names of every call that may be evidence."""
    tables = (*functions().values(), *_methods().values())
    names = {n for table in tables for n, watched in table.items() if not on_generators.seen_below(watched)}
    names.update(name for row in _CLASS_METHODS for name in _each(row[3]))
    return frozenset(names | calls.SEEDING_HELPERS)


#: The types whose objects are bound to an owner.
BOUND: Final = frozenset({MethodType, type(len), type("".__str__)})
