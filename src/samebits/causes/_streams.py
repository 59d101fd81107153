"""What a step of a source does to the generators: seeds them, draws from them; and the order in a program.

A *stream* is one of the process's own generators: Python's `random`, numpy's global one, torch's default one.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from samebits.causes._libraries import SEEDERS
from samebits.source.project import Project, Seen, TracedProgram, is_test
from samebits.source.summary import SourceStep

PYTHON: Final = "python"
NUMPY: Final = "numpy"
TORCH: Final = "torch"
ALL: Final = frozenset({PYTHON, NUMPY, TORCH})
_NONE: Final[frozenset[str]] = frozenset()

#: What a person calls a stream.
CALLED: Final = {
    PYTHON: "Python's random",
    NUMPY: "numpy's global generator",
    TORCH: "torch's default generator",
}


def _words(names: str, before: str = "") -> frozenset[str]:
    """Names that are written in one text, each with what stands before it."""
    return frozenset(before + name for name in names.split())


_PYTHON: Final = _words(
    "random uniform triangular betavariate expovariate gammavariate gauss lognormvariate "
    "normalvariate vonmisesvariate paretovariate weibullvariate binomialvariate randint randrange "
    "randbytes getrandbits choice choices shuffle sample",
    "random.",
)
_NUMPY: Final = _words(
    "rand randn randint random random_sample ranf sample random_integers choice bytes shuffle "
    "permutation beta binomial chisquare dirichlet exponential f gamma geometric gumbel "
    "hypergeometric laplace logistic lognormal logseries multinomial multivariate_normal "
    "negative_binomial noncentral_chisquare noncentral_f normal pareto poisson power rayleigh "
    "standard_cauchy standard_exponential standard_gamma standard_normal standard_t triangular "
    "uniform vonmises wald weibull zipf",
    "numpy.random.",
)
_TORCH: Final = _words(
    "rand randn randint randperm normal bernoulli multinomial poisson rand_like randn_like "
    "randint_like binomial nn.functional.dropout nn.functional.dropout1d nn.functional.dropout2d "
    "nn.functional.dropout3d nn.functional.alpha_dropout nn.functional.gumbel_softmax "
    "nn.functional.rrelu",
    "torch.",
)
#: Layers that start from random weights.
LAYERS: Final = _words(
    "Linear LazyLinear Bilinear Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d "
    "ConvTranspose3d LazyConv1d LazyConv2d LazyConv3d Embedding EmbeddingBag RNN LSTM GRU RNNCell "
    "LSTMCell GRUCell MultiheadAttention Transformer TransformerEncoderLayer "
    "TransformerDecoderLayer TransformerEncoder",
    "torch.nn.",
)
_INIT: Final = _words(
    "normal_ uniform_ xavier_uniform_ xavier_normal_ kaiming_uniform_ kaiming_normal_ "
    "trunc_normal_ orthogonal_ sparse_ xavier_uniform xavier_normal kaiming_normal "
    "kaiming_uniform"
)
#: Methods of a tensor that fill it with random numbers.
_METHODS: Final = _words("normal_ uniform_ bernoulli_ random_ exponential_ cauchy_ geometric_ log_normal_")
#: Calls that seed all three, by their full names, and the last names of such ones in libraries.
_SEEDERS: Final = frozenset(
    {*(f"{library}.{name}" for library, name in SEEDERS.items())}
    | {
        "samebits.seed_everything",
        "samebits.run",
        "detectron2.engine.default_setup",
        "accelerate.utils.set_seed",
        "transformers.Trainer",
    }
    | {"transformers.Seq2SeqTrainer", "trl.SFTTrainer", "ultralytics.YOLO"}
)
_OF_TORCH: Final = frozenset(
    {"manual_seed", "set_rng_state", "default_generator.manual_seed", "default_generator.set_state"}
)
_WORDS: Final = ("seed", "determinis", "reproduc", "restore_rng", "isolated", "set_rng", "setup_random")


def seeds(step: SourceStep, project: Project, file: str) -> frozenset[str]:
    """The streams that a step gives a seed or a state, as far as its name says."""
    if step.kind != "call":
        return _NONE
    name = step.name or ""
    if name in ("torch.seed", "torch.random.seed"):
        return frozenset({TORCH})  # from entropy, which another rule says
    if name in ("random.seed", "numpy.random.seed"):
        return frozenset({PYTHON if name == "random.seed" else NUMPY})  # also from entropy: another rule says
    if name in ("random.setstate", "numpy.random.set_state"):
        return frozenset({PYTHON if name.startswith("random.") else NUMPY})
    if name in (
        "torch.manual_seed",
        "torch.random.manual_seed",
        "torch.set_rng_state",
        "torch.random.set_rng_state",
    ):
        return frozenset({TORCH})
    if name in ("torch.default_generator.manual_seed", "torch.default_generator.set_state"):
        return frozenset({TORCH})
    if name.startswith(("torch.cuda.", "torch.mps.", "torch.xpu.", "torch.backends.")):
        return _NONE
    if name in _SEEDERS or (
        name and name.rpartition(".")[2] in SEEDERS.values() and not name.startswith(":")
    ):
        return _NONE if project.resolve(step.name, file) else ALL
    if step.attr in ("manual_seed", "seed", "initial_seed", "seed_all", "set_state") and step.owner:
        return _NONE  # of one generator
    if project.targets(step, file):
        return _NONE  # what it does is seen
    lower = step.attr.lower()
    if any(word in lower for word in _WORDS) and not name.startswith(("torch.", "os.", "random.", "numpy.")):
        return ALL
    return _NONE


def draws(step: SourceStep) -> frozenset[str]:
    """The streams that a step draws from, now or as soon as what it makes is used."""
    if step.kind != "call":
        return _NONE
    name = step.name or ""
    given = {*step.keywords}
    if "generator" in given and step.keywords["generator"].text != "None":
        return _NONE
    if name in _PYTHON:
        return frozenset({PYTHON})
    if name in _NUMPY:
        return frozenset({NUMPY})
    if name in _TORCH or name in LAYERS or (name.startswith("torch.nn.init.") and step.attr in _INIT):
        return frozenset({TORCH})
    if name == "torch.utils.data.random_split" or name == "torch.utils.data.RandomSampler":
        return frozenset({TORCH})
    if step.attr == "DataLoader" and not name.startswith((":", ".")):
        shuffle = step.given(2, "shuffle")
        return frozenset({TORCH}) if shuffle is not None and shuffle.text not in ("False", "None") else _NONE
    if name.startswith(("torchvision.models.", "timm.create_model")) and not step.attr.endswith("Weights"):
        trained = step.given(None, "pretrained", "weights")
        return frozenset({TORCH}) if trained is None or trained.text in ("False", "None") else _NONE
    if name.startswith("torchvision.transforms.") and step.attr.startswith("Random"):
        return frozenset({TORCH})
    if (
        not name
        and step.attr in _METHODS
        and step.owner
        and not step.owner.startswith(("nn.init", "init", "rng"))
    ):
        return frozenset({TORCH}) if not {"generator"} & given else _NONE
    if name.startswith("torch.distributions.") and step.attr in ("sample", "rsample", "sample_n"):
        return frozenset({TORCH})
    if name.startswith("sklearn.") and step.attr in ("train_test_split", "shuffle", "resample"):
        ordered = "shuffle" in given and step.keywords["shuffle"].text == "False"
        return _NONE if "random_state" in given or ordered else frozenset({NUMPY})
    return _NONE


#: What is made now and draws later.
_LATER: Final = ("DataLoader", "RandomSampler", "WeightedRandomSampler")
#: Steps of a program that trains, and of one that leaves something behind.
_TRAINS: Final = _words("backward fit train_step training_step")
_WRITES: Final = re.compile(r"^(save|dump|to_(csv|parquet|pickle|json)|imsave|imwrite|write|export)")
#: Functions of these names draw for pictures and tests.
_SHOWN: Final = re.compile(r"plot|visual|vis_|colou?r|palette|demo|smoke|show|self_test|benchmark|profile")


_SHOWN_FILES: Final = re.compile(r"plot|visual|^vis_|colou?r|palette|^show|^benchmarks?\b|profile")


#: Names of functions that evaluate a model.
_EVALUATES: Final = re.compile(
    r"(^|_)(eval|evaluate|evaluation|valid|validate|validation|val|test|estimate_loss|generate|preview|"
    r"sample_images?|sample_grid|sample_text|generate_(samples?|images?|text)|check_accuracy|infer|inference|"
    r"predict|compute_metrics)(_epoch|_step|_model|_loss|_loop|_one_epoch|$)",
    re.IGNORECASE,
)
_TRAINING: Final = re.compile(r"(^|_)train(_|$|ing|er)?|fit|backward", re.IGNORECASE)


_OF_EVALUATION: Final = re.compile(
    r"(^|_|\.)(eval|evaluation|valid|validation|val|test|dev|held)(_|$|loader|set|dl)", re.IGNORECASE
)


def of_evaluation(loader: SourceStep) -> bool:
    """Whether a loader, by the names of its dataset and its variable, is for evaluation."""
    given = loader.given(0, "dataset")
    words = re.split(r"[^\w.]+", f"{loader.target} {given.text if given is not None else ''}")
    return any(_OF_EVALUATION.search(word) for word in words) and not any("train" in word for word in words)


def evaluates(name: str) -> bool:
    """Whether a function, by its name, evaluates a model and does not train it."""
    return bool(_EVALUATES.search(name)) and not _TRAINING.search(name)


def draws_now(step: SourceStep) -> frozenset[str]:
    """The streams that a step itself draws from."""
    later = step.attr in _LATER or (step.name or "").startswith("torchvision.transforms.")
    return _NONE if later else draws(step)


def trains(program: TracedProgram) -> bool:
    """Whether a program trains something, as far as its steps show.

    What a class could do that it makes, and that nobody calls, does not count.
    """
    return any(
        (seen.step.attr in _TRAINS or (seen.step.name or "").startswith("torch.optim."))
        and seen.step.kind == "call"
        and not (seen.later and "." in seen.function.name and "<locals>" not in seen.function.name)
        for seen in program.trace
    )


def matters(project: Project, program: TracedProgram) -> bool:
    """Whether what a program draws goes anywhere.

    A module that others import, and that tries itself out when it is started, has no results.
    """
    if _SHOWN_FILES.search(posixpath.basename(program.file)):
        return False
    if trains(program):
        return True
    if any(_WRITES.search(seen.step.attr) for seen in program.trace):
        return True
    return not project.is_imported(program.file)


class Effect(NamedTuple):
    """A step of a program that does something to a stream."""

    seen: Seen
    seeds: frozenset[str]
    draws: frozenset[str]


#: By project, each program with what it does to the streams, and its course in each of them.
_EFFECTS: Final[WeakKeyDictionary[Project, list[tuple[TracedProgram, list[Effect]]]]] = WeakKeyDictionary()
_COURSES: Final[WeakKeyDictionary[Project, dict[str, list[tuple[TracedProgram, StreamCourse]]]]] = (
    WeakKeyDictionary()
)


def _effects(project: Project) -> list[tuple[TracedProgram, list[Effect]]]:
    """Every program but tests, with its steps that seed or draw, but for those of workers' starts."""
    if project in _EFFECTS:
        return _EFFECTS[project]
    starts = worker_starts(project)
    known: dict[int, tuple[frozenset[str], frozenset[str]] | None] = {}
    found: list[tuple[TracedProgram, list[Effect]]] = []
    for program in project.programs:
        if is_test(program.file):
            continue
        effects: list[Effect] = []
        for seen in program.trace:
            step = seen.step
            if step.kind != "call":
                continue
            key = id(step)
            if key not in known:
                does = seeds(step, project, seen.file), draws(step)
                known[key] = does if any(does) else None
            effect = known[key]
            if effect is not None and seen.function.name not in starts.get(seen.file, ()):
                effects.append(Effect(seen, *effect))
        found.append((program, effects))
    _EFFECTS[project] = found
    return found


class StreamCourse:
    """What a program does to one stream, in order.

    Attributes:
        seeded: the first step that seeds it, but for those of a worker's start.
        drawn: the first step that draws from it.
        early: the first draw before the first seed, where both happen on the program's way.
    """

    def __init__(self, effects: list[Effect], stream: str) -> None:
        self.seeded: Seen | None = None
        self.drawn: Seen | None = None
        self.early: Seen | None = None
        for seen, seeded, drawn in effects:
            if self.seeded is None and stream in seeded:
                self.seeded = seen
            if stream not in drawn or is_test(seen.file) or _is_aside(seen):
                continue
            if "seed" in seen.step.target.lower():
                continue  # a seed that is drawn where none is given
            if self.drawn is None:
                self.drawn = seen
            now = stream in draws_now(seen.step)
            if now and self.early is None and self.seeded is None and not seen.later:
                self.early = seen
        if self.seeded is None or self.seeded.later:
            self.early = None


def _is_aside(seen: Seen) -> bool:
    """Whether a draw is for a picture or a try, is isolated, or is of numba's own generator."""
    if any("jit" in name for name in seen.function.decorators):
        return True
    if any("fork_rng" in name or "isolate" in name for name in seen.within):
        return True
    return bool(_SHOWN.search(seen.function.last) or _SHOWN_FILES.search(posixpath.basename(seen.file)))


def worker_starts(project: Project) -> dict[str, set[str]]:
    """By file, the functions that loaders' workers start with."""
    found: dict[str, set[str]] = {}
    for file, _, step in project.steps():
        given = step.keywords.get("worker_init_fn") if step.kind == "call" else None
        home = project.resolve(given.name, file) if given is not None else None
        if home is not None:
            found.setdefault(home.file, set()).add(home.of.name)
    return found


def courses(project: Project, stream: str) -> list[tuple[TracedProgram, StreamCourse]]:
    """Every program of a project, and what it does to a stream."""
    kept = _COURSES.setdefault(project, {})
    if stream not in kept:
        kept[stream] = [(program, StreamCourse(effects, stream)) for program, effects in _effects(project)]
    return kept[stream]


def unseeded(project: Project, stream: str) -> Iterator[tuple[Seen, str]]:
    """The first draw of each program that never seeds the stream, and the program's name; one a file."""
    done: set[str] = set()
    kept = {
        effect.seen.step.place
        for (_, effects), (_, course) in zip(_effects(project), courses(project, stream), strict=True)
        if course.seeded is not None
        for effect in effects
        if stream in effect.draws
    }  # draws of a program that seeds: another one that comes by has no results that hang on them
    for program, course in courses(project, stream):
        drawn = course.drawn
        if drawn is None or course.seeded is not None or drawn.file in done or not matters(project, program):
            continue
        if not trains(program) and (
            drawn.step.place in kept or (stream == TORCH and not _leaves(program, drawn))
        ):
            continue
        done.add(drawn.file)
        yield drawn, posixpath.basename(program.file)


def _leaves(program: TracedProgram, drawn: Seen) -> bool:
    """Whether a program that does not train keeps what it draws: not its layers, whose weights are loaded."""
    return not is_layer(drawn.step) and any(_WRITES.search(seen.step.attr) for seen in program.trace)


def is_layer(step: SourceStep) -> bool:
    """Whether a step makes a layer or fills one, or a model of a library."""
    name = step.name or ""
    return name in LAYERS or name.startswith(("torch.nn.init.", "torchvision.models.", "timm."))
