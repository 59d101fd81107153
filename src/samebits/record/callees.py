"""The calls of user code that are evidence, by name.

Functions are known by identity, once their module is loaded; methods by the
class of the object they are bound to.  `instrument` asks for the names alone:
it wraps a call only if its last name is here.
"""

from __future__ import annotations

from functools import lru_cache
from types import MethodType
from typing import Any, Final

from samebits.record import calls
from samebits.record.calls import After, Watched

_CLOCKS = "time time_ns perf_counter perf_counter_ns monotonic monotonic_ns process_time process_time_ns"
_DRAWS = (
    "random uniform randint randrange choice choices sample shuffle gauss normalvariate betavariate "
    "expovariate gammavariate lognormvariate paretovariate triangular vonmisesvariate weibullvariate "
    "getrandbits randbytes binomialvariate"
)
_NUMPY_DRAWS = (
    "rand randn randint random random_sample random_integers tomaxint bytes choice shuffle permutation "
    "permuted integers beta binomial chisquare dirichlet exponential gamma geometric gumbel hypergeometric "
    "laplace logistic lognormal logseries multinomial multivariate_hypergeometric multivariate_normal "
    "negative_binomial noncentral_chisquare noncentral_f normal pareto poisson power rayleigh "
    "standard_cauchy standard_exponential standard_gamma standard_normal standard_t triangular uniform "
    "vonmises wald weibull zipf"
)
_BITS = "PCG64 PCG64DXSM MT19937 Philox SFC64 SeedSequence"
_SECRETS = "randbelow randbits token_bytes token_hex token_urlsafe choice"
_TEMPORARY = "mkstemp mkdtemp mktemp NamedTemporaryFile TemporaryDirectory"

#: module -> (kind, names, what to note, whether essential).
_FUNCTIONS: Final[tuple[tuple[str, str, str, After, bool], ...]] = (
    ("builtins", "hash", "hash id", calls.hashed, False),
    ("time", "clock", _CLOCKS + " localtime gmtime ctime strftime", calls.clock_read, False),
    ("os", "entropy", "getpid getppid urandom getrandom", calls.entropy_read, False),
    ("uuid", "entropy", "uuid1 uuid4", calls.entropy_read, False),
    ("secrets", "entropy", _SECRETS, calls.entropy_read, False),
    ("tempfile", "entropy", _TEMPORARY, calls.entropy_read, False),
    ("os", "listing", "listdir", calls.listdir, False),
    ("os", "listing", "scandir", calls.scandir, False),
    ("os", "listing", "walk fwalk", calls.walk, False),
    ("glob", "listing", "glob iglob", calls.globbed, False),
    ("os", "variable", "getenv", calls.variable, False),
    ("os.path", "probe", "exists isfile isdir lexists", calls.probe, False),
    ("random", "create", "Random SystemRandom", calls.make_python, True),
    ("concurrent.futures", "completion", "as_completed", calls.as_completed, False),
    ("asyncio", "completion", "as_completed", calls.as_completed, False),
    ("concurrent.futures", "completion", "wait", calls.waited, False),
    ("concurrent.futures", "thread", "ThreadPoolExecutor ProcessPoolExecutor", calls.thread, False),
    ("multiprocessing.pool", "thread", "Pool ThreadPool", calls.thread, False),
    ("multiprocessing.dummy", "thread", "Pool", calls.thread, False),
    ("torch.multiprocessing", "thread", "spawn start_processes", calls.thread, False),
    ("pickle", "load", "load", calls.loaded, False),
    ("joblib", "load", "load", calls.loaded, False),
    ("safetensors.torch", "load", "load_file", calls.loaded, False),
    ("numpy", "load", "load", calls.loaded, False),
    ("numpy", "save", "save savez savez_compressed savetxt", calls.saved, False),
    ("numpy", "empty", "empty empty_like", calls.noted, False),
    ("numpy.random", "seed", "seed", calls.seed_numpy, True),
    ("numpy.random", "draw", "ranf sample", calls.draw, False),
    ("numpy.random", "create", "default_rng RandomState Generator", calls.make_numpy, True),
    ("numpy.random", "create", _BITS, calls.make_bits, True),
    ("torch", "load", "load", calls.loaded, False),
    ("torch", "save", "save", calls.saved, False),
    ("torch", "seed", "manual_seed seed", calls.seed_torch, False),
    ("torch", "create", "Generator", calls.make_torch, False),
    ("torch", "rng-restore", "set_rng_state", calls.restore, False),
    ("torch.random", "rng-restore", "fork_rng", calls.restore, False),
    ("torch", "threads", "set_num_threads set_num_interop_threads", calls.setting, False),
    (
        "torch",
        "flag",
        "use_deterministic_algorithms set_deterministic_debug_mode set_float32_matmul_precision",
        calls.setting,
        False,
    ),
    ("torch.cuda", "seed", "manual_seed manual_seed_all seed seed_all", calls.seed_torch, False),
    ("torch.cuda", "rng-restore", "set_rng_state set_rng_state_all", calls.restore, False),
    ("torch.mps", "seed", "manual_seed seed", calls.seed_torch, False),
    ("torch.mps", "rng-restore", "set_rng_state", calls.restore, False),
    ("torch.xpu", "seed", "manual_seed manual_seed_all seed seed_all", calls.seed_torch, False),
    ("torch.xpu", "rng-restore", "set_rng_state set_rng_state_all", calls.restore, False),
)

#: class -> the same; the first column is also how the call is named, before the method.
_METHODS: Final[tuple[tuple[str, str, str, str, After, bool], ...]] = (
    ("random.Random", "random", "seed", "seed", calls.seed_python, True),
    ("random.Random", "random", "draw", _DRAWS, calls.draw, False),
    ("random.Random", "random", "rng-restore", "setstate", calls.restore, True),
    ("random.SystemRandom", "random.SystemRandom", "entropy", _DRAWS, calls.entropy_read, False),
    ("numpy.random.mtrand.RandomState", "numpy.random", "seed", "seed", calls.seed_numpy, True),
    ("numpy.random.mtrand.RandomState", "numpy.random", "draw", _NUMPY_DRAWS, calls.draw, False),
    ("numpy.random.mtrand.RandomState", "numpy.random", "rng-restore", "set_state", calls.restore, True),
    ("numpy.random._generator.Generator", "numpy.random.Generator", "draw", _NUMPY_DRAWS, calls.draw, False),
    ("torch._C.Generator", "torch.Generator", "seed", "manual_seed seed", calls.seed_torch, False),
    ("torch._C.Generator", "torch.Generator", "rng-restore", "set_state", calls.restore, False),
    ("torch.nn.modules.module.Module", "Module", "load", "load_state_dict", calls.loaded, False),
    ("torch.optim.optimizer.Optimizer", "Optimizer", "load", "load_state_dict", calls.loaded, False),
    ("torch.optim.lr_scheduler.LRScheduler", "LRScheduler", "load", "load_state_dict", calls.loaded, False),
    ("builtins.set", "set", "iteration", "pop", calls.popped, False),
    ("builtins.list", "list", "sort", "sort", calls.list_sorted, False),
    ("os._Environ", "os.environ", "variable", "get setdefault pop", calls.variable, False),
    ("pathlib.Path", "Path", "listing", "iterdir", calls.iterdir, False),
    ("pathlib.Path", "Path", "listing", "glob rglob", calls.path_glob, False),
    ("pathlib.Path", "Path", "probe", "exists is_file is_dir", calls.probe, False),
    ("threading.Thread", "Thread", "thread", "start", calls.thread, False),
    ("multiprocessing.process.BaseProcess", "Process", "thread", "start", calls.thread, False),
    ("multiprocessing.context.BaseContext", "multiprocessing", "thread", "Pool", calls.thread, False),
    ("multiprocessing.pool.Pool", "Pool", "completion", "imap_unordered", calls.unordered, False),
    ("concurrent.futures._base.Executor", "Executor", "thread", "submit", calls.submit, True),
    ("queue.Queue", "Queue", "completion", "get get_nowait", calls.queue_get, False),
    ("_queue.SimpleQueue", "Queue", "completion", "get get_nowait", calls.queue_get, False),
    ("multiprocessing.queues.Queue", "Queue", "completion", "get get_nowait", calls.queue_get, False),
    ("multiprocessing.queues.SimpleQueue", "Queue", "completion", "get", calls.queue_get, False),
)

#: Class methods: (class, how the call is named, kind, names, what to note).
_CLASS_METHODS: Final = (
    ("datetime.datetime", "datetime", "clock", "now utcnow today", calls.clock_read),
    ("datetime.date", "date", "clock", "today", calls.clock_read),
)

#: With a key only (`instrument` wraps no others).
_KEYED: Final = (
    ("sorted", Watched("sort", "sorted", calls.sorted_by, before=calls.with_keys)),
    ("min", Watched("iteration", "min", calls.picked_by, before=calls.with_keys)),
    ("max", Watched("iteration", "max", calls.picked_by, before=calls.with_keys)),
)

#: What libraries call their seeding helpers; user code's own are seen from within.
_HELPERS: Final = (
    "seed_everything set_seed set_random_seed set_determinism seed_all fix_seed fix_random_seeds "
    "init_random_seed enable_full_determinism fix_all_seeds"
)
HELPERS: Final = frozenset(_HELPERS.split())

#: Wrapped only where given a key.
KEYED: Final = frozenset({"sorted", "min", "max", "sort"})


def functions() -> dict[str, dict[str, Watched]]:
    """Module -> name -> what to note."""
    table: dict[str, dict[str, Watched]] = {}
    for module, kind, names, after, essential in _FUNCTIONS:
        for name in names.split():
            call = name if module in ("builtins", "concurrent.futures") else f"{module}.{name}"
            table.setdefault(module, {})[name] = Watched(kind, call, after, essential)
    table["builtins"].update(_KEYED)
    return table


@lru_cache(maxsize=1)
def _methods() -> dict[str, dict[str, Watched]]:
    table: dict[str, dict[str, Watched]] = {}
    for kind, prefix, fact, names, after, essential in _METHODS:
        for name in names.split():
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
            found.update({each: Watched(fact, f"{prefix}.{each}", after) for each in names.split()})
    return found


def helper(function: Any) -> Watched:
    """A library's seeding helper."""
    call = f"{function.__module__}.{function.__name__}"
    return Watched("seed", call, calls.helper, essential=True, before=calls.with_states)


@lru_cache(maxsize=4096)
def third_party(function: Any) -> Watched:
    """A third party's function: it may draw from Python's or numpy's global generator."""
    call = f"{function.__module__}.{function.__name__}"
    return Watched("draw", call, calls.drawn_inside, before=calls.with_states)


def watched_names() -> frozenset[str]:
    """The last names of every call that may be evidence."""
    names = {name for table in functions().values() for name in table}
    names.update(name for table in _methods().values() for name in table)
    names.update(name for row in _CLASS_METHODS for name in row[3].split())
    return frozenset(names | HELPERS)


#: The types whose objects are bound to an owner.
BOUND: Final = frozenset({MethodType, type(len), type("".__str__)})
