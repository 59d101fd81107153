"""Every operation of torch that draws, and what the portable mode makes of it.

All that take a generator or have torch's tag `nondeterministic_seeded` are here; a test
fails where a new torch has one more.  Four things can be said of one:

- its kernel is replaced by a function of ours (`fills`, `samples`, `masks`);
- it is made of others, and draws by way of them;
- its kernel draws inside a fused kernel of its device: refused where it would draw;
- it draws nothing, or is about generators themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from samebits.random.portable_mode import fills, masks, samples


@dataclass(frozen=True, slots=True)
class RandomOperator:
    """An operation.

    Attributes:
        schema: its name in the dispatcher, with its overload.
        kernel: what is called in its place, with torch's kernel first; None: nothing is replaced.
        keys: the dispatch keys it is replaced at; none: every device's.
        through: the operations that it is made of, where it is.
        refused: whether `kernel` raises where the operation would draw.
    """

    schema: str
    kernel: Callable[..., Any] | None = None
    keys: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    refused: bool = False


_OURS: Final[dict[str, Callable[..., Any]]] = {
    "uniform_": fills.uniform_,
    "normal_": fills.normal_,
    "exponential_": fills.exponential_,
    "random_": fills.random_,
    "random_.to": fills.random_to,
    "random_.from": fills.random_from,
    "bernoulli_.float": fills.bernoulli_,
    "bernoulli_.Tensor": fills.bernoulli_tensor_,
    "geometric_": fills.geometric_,
    "cauchy_": fills.cauchy_,
    "log_normal_": fills.log_normal_,
    "bernoulli.out": samples.bernoulli_out,
    "normal.Tensor_float": samples.normal,
    "normal.Tensor_float_out": samples.normal,
    "normal.float_Tensor": samples.normal,
    "normal.float_Tensor_out": samples.normal,
    "normal.Tensor_Tensor": samples.normal,
    "normal.Tensor_Tensor_out": samples.normal,
    "randperm.generator_out": samples.randperm_out,
    "multinomial": samples.multinomial,
    "multinomial.out": samples.multinomial,
    "poisson": samples.poisson,
    "binomial": samples.binomial,
    "_standard_gamma": samples.standard_gamma,
    "_sample_dirichlet": samples.dirichlet,
    "native_dropout": masks.native_dropout,
    "native_dropout_backward": masks.native_dropout_backward,
    "_fused_dropout": masks.fused_dropout,
    "rrelu_with_noise": masks.rrelu_with_noise,
    "rrelu_with_noise.out": masks.rrelu_with_noise,
    "rrelu_with_noise_": masks.rrelu_with_noise_,
    "_fused_sdp_choice": masks.choice,
}

#: Draw in kernels of their own, from a seed and an offset.
_FUSED: Final = (
    "_cudnn_attention_backward",
    "_cudnn_attention_forward",
    "_cudnn_init_dropout_state",
    "_cudnn_rnn",
    "_efficient_attention_forward",
    "_fill_mem_eff_dropout_mask_",
    "_flash_attention_forward",
    "_flash_attention_forward.quantized",
    "_flash_attention_forward_no_dropout_inplace",
    "_lstm_mps",
    "_scaled_dot_product_attention_math_for_mps",
    "_scaled_dot_product_cudnn_attention",
    "_scaled_dot_product_cudnn_attention_backward",
    "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_efficient_attention_backward",
    "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_flash_attention.quantized",
    "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_fused_attention_overrideable",
    "_triton_scaled_dot_attention",
    "miopen_rnn",
)

_BERNOULLI: Final = ("bernoulli_.float", "bernoulli_.Tensor")
_INTEGERS: Final = ("random_", "random_.from", "random_.to")

#: Made of others: the first part of a name (up to the overload) -> what it draws through.
_COMPOSED: Final[dict[str, tuple[str, ...]]] = {
    "rand": ("uniform_",),
    "rand_like": ("uniform_",),
    "randn": ("normal_",),
    "randn_like": ("normal_",),
    "randint": _INTEGERS,
    "randint_like": _INTEGERS,
    "randperm": ("randperm.generator_out",),
    "uniform": ("uniform_",),
    "normal": ("normal_",),
    "normal_functional": ("normal_",),
    "random": _INTEGERS,
    "bernoulli": _BERNOULLI,
    "exponential": ("exponential_",),
    "geometric": ("geometric_",),
    "cauchy": ("cauchy_",),
    "log_normal": ("log_normal_",),
    "poisson": ("poisson",),
    "binomial": ("binomial",),
    "_standard_gamma": ("_standard_gamma",),
    "_sample_dirichlet": ("_sample_dirichlet",),
    "native_dropout": ("native_dropout",),
    "_fused_dropout": ("_fused_dropout",),
    "dropout": ("bernoulli_.float", "native_dropout"),
    "dropout_": _BERNOULLI,
    "feature_dropout": _BERNOULLI,
    "feature_dropout_": _BERNOULLI,
    "alpha_dropout": _BERNOULLI,
    "alpha_dropout_": _BERNOULLI,
    "feature_alpha_dropout": _BERNOULLI,
    "feature_alpha_dropout_": _BERNOULLI,
    "rrelu": ("rrelu_with_noise",),
    "rrelu_": ("rrelu_with_noise_",),
    "rrelu_with_noise_functional": ("rrelu_with_noise",),
    "_scaled_dot_product_attention_math": ("dropout",),
    "gru": ("dropout",),
    "lstm": ("dropout",),
    "rnn_relu": ("dropout",),
    "rnn_tanh": ("dropout",),
    "_cudnn_init_dropout_state": ("_cudnn_init_dropout_state",),
    "_cudnn_rnn": ("_cudnn_rnn",),
    "_lstm_mps": ("_lstm_mps",),
    "_triton_scaled_dot_attention": ("_triton_scaled_dot_attention",),
    "miopen_rnn": ("miopen_rnn",),
}

#: In torch 2.11, which has named tensors.
_NAMED: Final = ("names", "names_out", "generator_with_names", "generator_with_names_out")

#: The overloads of these; `torch.ops.aten.<name>` lists them.
_OVERLOADS: Final[dict[str, tuple[str, ...]]] = {
    "rand": ("", "generator", "generator_out", "out", *_NAMED),
    "rand_like": ("", "generator", "generator_out", "out"),
    "randn": ("", "generator", "generator_out", "out", *_NAMED),
    "randn_like": ("", "generator", "generator_out", "out"),
    "randint": (
        *("", "generator", "generator_out", "out"),
        *("low", "low_generator", "low_generator_out", "low_out"),
    ),
    "randint_like": (
        *("", "generator", "generator_out", "out"),
        *("Tensor", "Tensor_generator", "Tensor_generator_out", "Tensor_out"),
        *("low_dtype", "low_generator_dtype", "low_generator_dtype_out", "low_dtype_out"),
    ),
    "randperm": ("", "generator", "out"),
    "normal": ("float_float", "float_float_out", "out"),
    "random": ("", "out", "from", "from_out", "to", "to_out"),
    "bernoulli": ("", "p", "Tensor", "Tensor_out", "float_out"),
    "gru": ("data", "input"),
    "lstm": ("data", "input"),
    "rnn_relu": ("data", "input"),
    "rnn_tanh": ("data", "input"),
    **dict.fromkeys(("uniform", "exponential", "geometric", "cauchy", "log_normal"), ("", "out")),
    **dict.fromkeys(
        (
            *(
                "poisson",
                "binomial",
                "_standard_gamma",
                "_sample_dirichlet",
                "native_dropout",
                "_fused_dropout",
            ),
            *("_cudnn_init_dropout_state", "_cudnn_rnn", "_lstm_mps", "_triton_scaled_dot_attention"),
            "miopen_rnn",
        ),
        ("out",),
    ),
}

#: Seed a generator, or have torch's tag and draw nothing.
_NOTHING: Final = (
    "initial_seed",
    "manual_seed.generator",
    "seed",
    "_cudnn_attention_forward_no_dropout_inplace",
    "_nested_tensor_softmax_with_shape",
)


def _name(name: str, overload: str = "") -> str:
    return f"aten::{name}.{overload}" if overload else f"aten::{name}"


#: Every operation that draws.
RANDOM_OPERATORS: Final = (
    *(RandomOperator(_name(name), kernel) for name, kernel in _OURS.items()),
    *(RandomOperator(_name(name), masks.without_dropout(_name(name)), refused=True) for name in _FUSED),
    RandomOperator(
        "aten::scaled_dot_product_attention",
        masks.attention,
        ("CompositeImplicitAutograd",),
        ("aten::_scaled_dot_product_attention_math",),
    ),
    *(
        RandomOperator(_name(name, overload), through=tuple(map(_name, through)))
        for name, through in _COMPOSED.items()
        for overload in _OVERLOADS.get(name, ("",))
    ),
    *(RandomOperator(_name(name)) for name in _NOTHING),
    RandomOperator("aten::_no_grad_normal_", through=("aten::normal_",)),
    RandomOperator("aten::_no_grad_uniform_", through=("aten::uniform_",)),
    RandomOperator("prims::normal", through=("aten::normal_",)),
    RandomOperator("prims::uniform", through=("aten::uniform_",)),
    RandomOperator("rngprims::philox_rand", through=("aten::rand",)),
    # What inductor makes of the others where it is not told to call them (see `compiled`).
    *(
        RandomOperator(f"prims::inductor_{name}", through=("aten::randint",))
        for name in ("seed", "seeds", "random", "randint", "rand_eager_offset", "rand_eager_offsets")
    ),
    RandomOperator("inductor_prims::inductor_reserve_rng_state"),
)
