"""What a call does to the generators of the process: seeds them, or draws from them.

A *stream* is one of these: Python's `random`, numpy's global generator, torch's default one.
"""

from __future__ import annotations

from typing import Final

from samebits.causes._libraries import SEEDERS
from samebits.source.project import Project
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
    | {"ignite.utils.manual_seed", "monai.utils.set_determinism", "mmengine.runner.set_random_seed"}
    | {"detectron2.utils.env.seed_all_rng", "torchtune.training.set_seed", "fastai.torch_core.set_seed"}
)
#: What seeds one stream.
_SEEDS_ONE: Final = {
    "random.seed": frozenset({PYTHON}),
    "numpy.random.seed": frozenset({NUMPY}),
    "torch.manual_seed": frozenset({TORCH}),
}
_OF_TORCH: Final = frozenset(
    {"manual_seed", "set_rng_state", "default_generator.manual_seed", "default_generator.set_state"}
)
_WORDS: Final = ("seed", "determinis", "reproduc", "restore_rng", "isolated", "set_rng", "setup_random")


def seeds(step: SourceStep, project: Project, file: str) -> frozenset[str]:
    """The streams that a step gives a seed or a state, as far as its name says."""
    name = step.name or ""
    if step.kind == "mention":  # handed on, to be called
        return _SEEDS_ONE.get(name, _NONE)
    if step.kind != "call":
        return _NONE
    if name in ("torch.seed", "torch.random.seed"):
        return frozenset({TORCH})  # from entropy, which another rule says
    if name in _SEEDS_ONE:
        return _SEEDS_ONE[name]  # also from entropy: another rule says
    if name in ("random.setstate", "numpy.random.set_state"):
        return frozenset({PYTHON if name.startswith("random.") else NUMPY})
    if name.startswith("torch.") and name.removeprefix("torch.").removeprefix("random.") in _OF_TORCH:
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
    handed = {value.name for value in step.args if value.name is not None}  # `partial(random.gauss, 0, 1)`
    if name in _PYTHON or handed & _PYTHON:
        return frozenset({PYTHON})
    if name in _NUMPY or handed & _NUMPY:
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
    if step.attr == "sample" and "frac" in given and "random_state" not in given:
        return frozenset({NUMPY})  # of pandas
    if name.startswith("transformers.") and step.attr == "from_pretrained" and "num_labels" in given:
        return frozenset({TORCH})  # a new head
    if name.startswith("sklearn.") and step.attr in ("train_test_split", "shuffle", "resample"):
        ordered = "shuffle" in given and step.keywords["shuffle"].text == "False"
        return _NONE if "random_state" in given or ordered else frozenset({NUMPY})
    return _NONE


#: What is made now and draws later.
_LATER: Final = ("DataLoader", "RandomSampler", "WeightedRandomSampler")


def draws_now(step: SourceStep) -> frozenset[str]:
    """The streams that a step itself draws from."""
    later = step.attr in _LATER or (step.name or "").startswith("torchvision.transforms.")
    return _NONE if later else draws(step)


def is_layer(step: SourceStep) -> bool:
    """Whether a step makes a layer or fills one, or a model of a library."""
    name = step.name or ""
    return name in LAYERS or name.startswith(("torch.nn.init.", "torchvision.models.", "timm."))
