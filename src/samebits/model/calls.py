"""The names of calls: what reads a clock, takes entropy, draws, seeds, or takes elements in order.

Several look for the same calls: user code is rewritten for them (`usercode.watchlist` says what is noted of
each), control replaces the seeds that come from some (`control.seed_calls`), and causes and rules find them
in the text of a program.  A name that one of them missed would be a fault of that one alone, so the names
stand here once.  A list that only one file needs stands in that file.
"""

from __future__ import annotations

from typing import Final


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# --- clocks

#: Functions of `time` that give a number.
CLOCKS: Final = _names(
    "time time_ns perf_counter perf_counter_ns monotonic monotonic_ns process_time process_time_ns"
)
#: Functions of `time` that give the present as a date or a text.
CALENDAR: Final = _names("localtime gmtime ctime strftime")
#: Class methods of `datetime.datetime`, and of `datetime.date`.
DATETIME: Final = _names("now utcnow today")
DATE: Final = _names("today")
#: What only measures how long something took: of use in a comparison of times, and never in a seed.
STOPWATCHES: Final = _names(
    "thread_time thread_time_ns default_timer elapsed_time timeit blocked_autorange adaptive_autorange"
)

# --- entropy

#: Functions of `os`.
OS_ENTROPY: Final = _names("getpid getppid urandom getrandom")
#: Functions of `uuid`.
UUIDS: Final = _names("uuid1 uuid4")
#: Functions of `secrets` that give a number or a text.
SECRETS: Final = _names("randbelow randbits token_bytes token_hex token_urlsafe")
#: What `tempfile` gives a random name.
TEMPORARY: Final = _names("mkstemp mkdtemp mktemp NamedTemporaryFile TemporaryDirectory")

# --- random generators

#: Methods of `random.Random`, which are functions of `random`, too.
PYTHON_DRAWS: Final = _names(
    "random uniform randint randrange choice choices sample shuffle gauss normalvariate betavariate "
    "expovariate gammavariate lognormvariate paretovariate triangular vonmisesvariate weibullvariate "
    "getrandbits randbytes binomialvariate"
)
#: Methods of `numpy.random.RandomState`, which are functions of `numpy.random`, and of `Generator`.
NUMPY_DRAWS: Final = _names(
    "rand randn randint random random_sample random_integers tomaxint bytes choice shuffle permutation "
    "permuted integers beta binomial chisquare dirichlet exponential gamma geometric gumbel hypergeometric "
    "laplace logistic lognormal logseries multinomial multivariate_hypergeometric multivariate_normal "
    "negative_binomial noncentral_chisquare noncentral_f normal pareto poisson power rayleigh "
    "standard_cauchy standard_exponential standard_gamma standard_normal standard_t triangular uniform "
    "vonmises wald weibull zipf"
)
#: Classes of `random`: one that takes a seed, and one that takes entropy alone.
PYTHON_GENERATORS: Final = _names("Random")
PYTHON_ENTROPY: Final = _names("SystemRandom")
#: What of `numpy.random` makes a generator of a seed, and what makes the bits or words that one is made of.
NUMPY_GENERATORS: Final = _names("default_rng RandomState")
BIT_GENERATORS: Final = _names("PCG64 PCG64DXSM MT19937 Philox SFC64 SeedSequence")

#: Module or class -> its functions or methods that seed a generator.
SEEDERS: Final = {
    "random.Random": _names("seed"),
    "numpy.random": _names("seed"),
    "numpy.random.mtrand.RandomState": _names("seed"),
    "torch": _names("manual_seed seed"),
    "torch._C.Generator": _names("manual_seed seed"),
    "torch.cuda": _names("manual_seed manual_seed_all seed seed_all"),
    "torch.mps": _names("manual_seed seed"),
    "torch.xpu": _names("manual_seed manual_seed_all seed seed_all"),
}
#: What libraries and programs call a function that seeds several generators.
SEEDING_HELPERS: Final = frozenset(
    _names(
        "seed_everything set_seed set_random_seed set_determinism seed_all fix_seed fix_random_seeds "
        "init_random_seed enable_full_determinism fix_all_seeds"
    )
)

# --- the order of elements

#: What takes its arguments' elements in order, by the last name of the function.
ORDERED: Final = frozenset(
    _names(
        "list tuple enumerate zip zip_longest map imap imap_unordered starmap filter iter fromkeys join "
        "deque extend chain from_iterable islice cycle product permutations combinations accumulate reduce "
        "Counter array asarray fromiter stack concatenate cat tensor as_tensor"
    )
)
#: What forgets the order of its argument's elements.
FORGETS_ORDER: Final = frozenset(_names("sorted set frozenset len any all min max"))
#: Calls whose result is never a set.
NEVER_SET: Final = frozenset(
    _names("range enumerate zip map filter reversed sorted list tuple dict len str open items split")
)
