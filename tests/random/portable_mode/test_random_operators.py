"""The table of everything that draws, and everything that draws by it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torchgen
from torch import Tensor, distributions, nn
from torch._inductor import inductor_prims  # noqa: F401  # which makes operations
from torch.nn import functional as F
from torch.utils.data import DataLoader, RandomSampler, TensorDataset, WeightedRandomSampler, random_split

import samebits.random as sr
from samebits.errors import DeterminismError
from samebits.random.distributions.categorical import multinomial
from samebits.random.distributions.truncated_normal import truncated_normal
from samebits.random.keys import fold_in, key
from samebits.random.portable_mode import drawing, masks, state
from samebits.random.portable_mode.mode import portable
from samebits.random.portable_mode.random_operators import RANDOM_OPERATORS


@pytest.fixture(autouse=True)
def _restored(generators_restored: None) -> None:
    """Seeds and draws."""


ROWS = {row.schema: row for row in RANDOM_OPERATORS}
Draw = Callable[[], Any]


def seeded(schema: Any) -> bool:
    """Whether torch tags an operation as one that draws."""
    namespace, _, name = schema.name.partition("::")
    packet = getattr(getattr(torch.ops, namespace), name, None)
    try:
        tags = getattr(packet, schema.overload_name or "default").tags
    except (AttributeError, RuntimeError):
        return False
    return torch.Tag.nondeterministic_seeded in tags


def full_name(schema: Any) -> str:
    return f"{schema.name}.{schema.overload_name}" if schema.overload_name else str(schema.name)


class TestTheTable:
    def test_has_every_operation_that_draws(self) -> None:
        drawing_ones = {
            full_name(schema)
            for schema in torch._C._jit_get_all_schemas()
            if schema.name.split("::")[0] in ("aten", "prims", "rngprims", "inductor_prims", "torchvision")
            if seeded(schema) or any("Generator" in str(argument.type) for argument in schema.arguments)
        }
        assert len(drawing_ones) > 150
        assert drawing_ones - set(ROWS) == set()

    def test_has_each_once(self) -> None:
        assert [
            name for name, count in Counter(row.schema for row in RANDOM_OPERATORS).items() if count > 1
        ] == []

    def test_what_the_composed_ones_are_made_of_is_there(self) -> None:
        assert {part for row in RANDOM_OPERATORS for part in row.through} <= set(ROWS)

    def test_every_devices_kernel_is_replaced(self) -> None:
        """By torch's own list of kernels, which is that of all devices, whatever this torch was built for."""
        wrong = []
        for schema, keys in torchs_kernels():
            own = any(not dispatch_key.startswith("Composite") for dispatch_key in keys)
            row = ROWS.get(schema)
            if row is None or own != (row.kernel is not None and not row.keys):
                wrong.append((schema, keys))
        nothing = {
            "aten::_nested_tensor_softmax_with_shape",
            "aten::_cudnn_attention_forward_no_dropout_inplace",
        }
        assert {schema for schema, _ in wrong} <= nothing

    def test_leaves_no_kernel_behind(self) -> None:
        def kernels() -> dict[str, str]:
            return {name: torch._C._dispatch_dump(name) for name in ROWS if exists(name)}

        before = kernels()
        with portable(0):
            changed = {name for name, text in kernels().items() if text != before[name]}
        replaced = {row.schema for row in RANDOM_OPERATORS if row.kernel is not None}
        assert changed <= replaced
        assert {"aten::uniform_", "aten::native_dropout", "aten::scaled_dot_product_attention"} <= changed
        assert kernels() == before


def exists(name: str) -> bool:
    return name in torch._C._dispatch_get_all_op_names()


def torchs_kernels() -> Iterator[tuple[str, list[str]]]:
    """The operations that draw, by native_functions.yaml, and the dispatch keys of their kernels."""
    folder = Path(torchgen.__file__).parent / "packaged" / "ATen" / "native"
    for block in re.split(r"^- func: ", (folder / "native_functions.yaml").read_text(), flags=re.M)[1:]:
        signature = block.splitlines()[0]
        if "Generator" not in signature and "nondeterministic_seeded" not in block:
            continue
        dispatch = re.search(r"^  dispatch:\n((?:    .*\n)*)", block, flags=re.M)
        lines = dispatch[1].splitlines() if dispatch else ["CompositeImplicitAutograd: it"]
        keys = [
            one.strip() for line in lines if line.strip()[0] != "#" for one in line.split(":")[0].split(",")
        ]
        yield f"aten::{signature.split('(')[0]}", keys


def drawn_by(call: Draw) -> tuple[list[Tensor], int]:
    """What a call gives, and how many draws it made."""
    with portable(0):
        result = call()
        count = int(state.saved()[3])
        native_draws = state.saved()[1:3].tolist() != [0, 0]  # the stream's key is another where torch drew
    assert not native_draws, "torch drew from the generator itself"
    leaves = torch.utils._pytree.tree_leaves(result)
    return [leaf for leaf in leaves if isinstance(leaf, Tensor)], count


def repeats(call: Draw, draws: int | None = None) -> None:
    """It gives the same numbers each time and with any number of threads, other than torch's; all ours."""
    first, count = drawn_by(call)
    assert count > 0
    assert draws is None or count == draws
    threads = torch.get_num_threads()
    torch.set_num_threads(3 - min(threads, 2))
    try:
        second, _ = drawn_by(call)
    finally:
        torch.set_num_threads(threads)
    torch.manual_seed(0)
    torchs = [leaf for leaf in torch.utils._pytree.tree_leaves(call()) if isinstance(leaf, Tensor)]
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    assert not all(torch.equal(one, other) for one, other in zip(first, torchs, strict=True))


_X = torch.linspace(0.1, 0.9, 60).view(3, 4, 5)
_SHAPE = ([30],)
_GRID = (torch.arange(400.0) ** 2).sin().view(20, 20)

#: Arguments of every operation that draws on a CPU, by name and overload.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "uniform_": (_X,),
    "normal_": (_X,),
    "exponential_": (_X,),
    "random_": (_X,),
    "random_.to": (_X, 50),
    "random_.from": (_X, 3, 50),
    "bernoulli_.float": (_X,),
    "bernoulli_.Tensor": (_X, _X),
    "geometric_": (_X, 0.3),
    "cauchy_": (_X,),
    "log_normal_": (_X,),
    "bernoulli": (_X,),
    "bernoulli.p": (_X, 0.3),
    "bernoulli.Tensor": (_X, _X),
    "normal.Tensor_float": (_X, 2.0),
    "normal.float_Tensor": (2.0, _X),
    "normal.Tensor_Tensor": (_X, _X),
    "normal.float_float": (1.0, 2.0, [30]),
    "normal_functional": (_X,),
    "uniform": (_X,),
    "exponential": (_X,),
    "geometric": (_X, 0.3),
    "cauchy": (_X,),
    "log_normal": (_X,),
    "random": (_X,),
    "random.from": (_X, 3, 50),
    "random.to": (_X, 50),
    "rand": _SHAPE,
    "randn": _SHAPE,
    "rand.generator": _SHAPE,
    "randn.generator": _SHAPE,
    "rand_like": (_X,),
    "randn_like": (_X,),
    "rand_like.generator": (_X,),
    "randn_like.generator": (_X,),
    "randint": (50, [30]),
    "randint.generator": (50, [30]),
    "randint.low": (3, 50, [30]),
    "randint.low_generator": (3, 50, [30]),
    "randint_like": (_X, 50),
    "randint_like.generator": (_X, 50),
    "randint_like.Tensor": (_X, torch.tensor(50)),
    "randint_like.Tensor_generator": (_X, torch.tensor(50)),
    "randint_like.low_dtype": (_X, 3, 50),
    "randint_like.low_generator_dtype": (_X, 3, 50),
    "randperm": (30,),
    "randperm.generator": (30,),
    "multinomial": (_X.view(3, 20), 5),
    "poisson": (_X * 9,),
    "binomial": (torch.full((30,), 20.0), torch.full((30,), 0.3)),
    "_standard_gamma": (_X,),
    "_sample_dirichlet": (_X,),
    "native_dropout": (_X, 0.5, True),
    "rrelu_with_noise": (-_X, torch.zeros_like(_X), 0.1, 0.3, True),
    "rrelu_with_noise_": (-_X, torch.zeros_like(_X), 0.1, 0.3, True),
    "rrelu_with_noise_functional": (-_X, torch.zeros_like(_X), 0.1, 0.3, True),
    "rrelu": (-_X, 0.1, 0.3, True),
    "rrelu_": (-_X, 0.1, 0.3, True),
    **dict.fromkeys(("dropout", "dropout_"), (_X, 0.5, True)),
    **dict.fromkeys(("feature_dropout", "feature_dropout_"), (_X, 0.5, True)),
    **dict.fromkeys(("alpha_dropout", "alpha_dropout_"), (_X, 0.5, True)),
    **dict.fromkeys(("feature_alpha_dropout", "feature_alpha_dropout_"), (_X, 0.5, True)),
    "_scaled_dot_product_attention_math": (_X, _X, _X, None, 0.5),
    "scaled_dot_product_attention": (_X, _X, _X, None, 0.5),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_operation(name: str) -> None:
    base, _, overload = name.partition(".")
    operation = getattr(getattr(torch.ops.aten, base), overload or "default")
    arguments = ARGUMENTS[name]
    takes = "generator" in overload

    def call() -> Any:
        own = {"generator": torch.Generator().manual_seed(0)} if takes else {}
        given = [one.clone() if isinstance(one, Tensor) else one for one in arguments]
        return operation(*given, **own)

    if takes:
        with portable(0):
            first, second = call(), call()
            assert state.saved()[3] == 0
        assert torch.equal(first, second)
        assert not torch.equal(first, call())
    else:
        repeats(call, 1)


def out_forms() -> list[str]:
    """The `out=` forms of these operations, of one result each."""
    found = []
    for row in RANDOM_OPERATORS:
        base, _, overload = row.schema.removeprefix("aten::").partition(".")
        if not overload.endswith("out") or not row.schema.startswith("aten::"):
            continue
        functional = re.sub(r"_?out$", "", overload)
        functional = f"{base}.{functional}" if functional else base
        if functional in ARGUMENTS and base not in ("native_dropout", "rrelu_with_noise"):
            found.append(row.schema.removeprefix("aten::"))
    return found


@pytest.mark.parametrize("name", out_forms())
def test_every_out_form(name: str) -> None:
    base, _, overload = name.partition(".")
    operation = getattr(getattr(torch.ops.aten, base), overload)
    functional = re.sub(r"_?out$", "", overload)
    arguments = ARGUMENTS[f"{base}.{functional}" if functional else base]
    with portable(0):
        plain = getattr(getattr(torch.ops.aten, base), functional or "default")
        own = {"generator": torch.Generator()} if "generator" in functional else {}
        expected = plain(*arguments, **own)
    with portable(0):
        own = {"generator": torch.Generator()} if "generator" in functional else {}
        out = torch.empty(0, dtype=expected.dtype)
        assert operation(*arguments, **own, out=out) is out
    assert torch.equal(out, expected)


def step(number: int = 0) -> Tensor:
    return fold_in(key(0), number)


@pytest.mark.parametrize(
    ("torchs", "keyed"),
    [
        (lambda: torch.randperm(30), lambda: sr.permutation(step(), 30)),
        (lambda: torch.randperm(30, dtype=torch.int32), lambda: sr.permutation(step(), 30).int()),
        (lambda: torch.multinomial(_X[0], 3), lambda: multinomial(step(), _X[0], 3)),
        (lambda: torch.multinomial(_X[0], 9, True), lambda: multinomial(step(), _X[0], 9, True)),
        (lambda: torch.poisson(_X * 9), lambda: sr.poisson(step(), _X * 9, dtype=torch.float32)),
        (
            lambda: torch.binomial(torch.full((9,), 20.0), torch.full((9,), 0.3)),
            lambda: sr.binomial(step(), torch.full((9,), 20.0), torch.full((9,), 0.3)),
        ),
        (lambda: torch.empty(9).geometric_(0.2), lambda: sr.geometric(step(), 9, p=0.2).float()),
        (
            lambda: torch.empty(9).cauchy_(1, 2),
            lambda: sr.cauchy(step(), 9, median=1, sigma=2),
        ),
        (lambda: torch.empty(9).log_normal_(1, 2), lambda: sr.log_normal(step(), 9, mean=1, std=2)),
        (lambda: torch._standard_gamma(_X), lambda: sr.gamma(step(), _X)),
        (lambda: torch._sample_dirichlet(_X), lambda: sr.dirichlet(step(), _X)),
        (
            lambda: nn.init.trunc_normal_(torch.empty(9), 1, 2, -1, 2),
            lambda: truncated_normal(step(), 9, mean=1, std=2, low=-1, high=2),
        ),
        (
            lambda: F.rrelu(-_X, 0.1, 0.3, True),
            lambda: -_X * sr.uniform(step(), 3, 4, 5, low=0.1, high=0.3),
        ),
    ],
    ids=[
        *("randperm", "randperm int32", "multinomial", "multinomial with replacement", "poisson", "binomial"),
        *("geometric_", "cauchy_", "log_normal_", "gamma", "dirichlet", "trunc_normal_", "rrelu"),
    ],
)
def test_torchs_draw_is_the_keyed_one(torchs: Draw, keyed: Draw) -> None:
    with portable(0):
        drawn = torchs()
    assert torch.equal(drawn, keyed())


class TestOtherForms:
    def test_fused_dropout(self) -> None:
        """There, p is the probability of being kept."""
        generator = torch.Generator().manual_seed(0)
        dropped, mask = masks.fused_dropout(lambda *_: None, _X, 0.3, generator)
        with portable(0):
            assert torch.equal(dropped, F.dropout(_X, 0.7))
        assert mask.dtype == torch.uint8
        assert torch.equal(mask.bool(), dropped != 0)

    def test_into_given_tensors(self) -> None:
        with portable(0):
            expected = torch.native_dropout(_X, 0.3, True)
            out = torch.empty(0), torch.empty(0, dtype=torch.bool)
            torch.manual_seed(0)
            torch.ops.aten.native_dropout.out(_X, 0.3, True, out0=out[0], out1=out[1])
            torch.manual_seed(0)
            trials = torch.ops.aten.bernoulli.float_out(_X, 0.3, out=torch.empty(0))
            torch.manual_seed(0)
            numbers = torch.ops.aten.normal.out(_X, 1.0, 2.0, out=torch.empty(0))
        assert all(map(torch.equal, out, expected))
        assert torch.equal(trials, sr.bernoulli(step(), 3, 4, 5, p=0.3).float())
        assert torch.equal(numbers, sr.normal(step(), 3, 4, 5, mean=1, std=2))

    def test_rectifiers(self) -> None:
        noises, results = [], []
        for form in ("default", "out", "inplace"):
            x, noise, out = -_X.clone(), torch.zeros_like(_X), torch.empty(0)
            with portable(0):
                if form == "default":
                    out = torch.ops.aten.rrelu_with_noise(x, noise, 0.1, 0.3, True)
                elif form == "out":
                    torch.ops.aten.rrelu_with_noise.out(x, noise, 0.1, 0.3, True, out=out)
                else:
                    out = torch.ops.aten.rrelu_with_noise_(x, noise, 0.1, 0.3, True)
            noises.append(noise)
            results.append(out)
        assert torch.equal(results[0], -_X * noises[0])
        assert all(torch.equal(results[0], one) for one in results)
        assert all(torch.equal(noises[0], one) for one in noises)

    def test_rectified_gradients(self) -> None:
        x = torch.linspace(-1, 1, 50).requires_grad_()
        with portable(0):
            F.rrelu(x, training=True).sum().backward()
        slopes = sr.uniform(step(), 50, low=1 / 8, high=1 / 3)
        assert x.grad is not None
        assert torch.equal(x.grad, torch.where(x <= 0, slopes, 1.0))

    @pytest.mark.parametrize("made", [nn.RNN, nn.LSTM, nn.GRU])
    def test_recurrent_networks_of_packed_sequences(self, made: Any) -> None:
        packed = nn.utils.rnn.pack_sequence([_GRID[:5, :4], _GRID[5:8, :4]])
        network = made(4, 4, 2, dropout=0.5)
        repeats(lambda: network(packed)[0].data.detach())

    def test_a_rectified_recurrent_network(self) -> None:
        network = nn.RNN(4, 4, 2, dropout=0.5, nonlinearity="relu")
        for weight in network.parameters():
            nn.init.constant_(weight, 0.25)  # of random weights all units may be dead
        repeats(lambda: network(_GRID[:5, :4].abs())[0].detach())

    def test_primitives(self) -> None:
        where: dict[str, Any] = {"dtype": torch.float32, "device": torch.device("cpu")}
        repeats(lambda: torch.ops.prims.normal([9], **where, mean=0.0, std=1.0, requires_grad=False))
        repeats(lambda: torch.ops.prims.uniform([9], **where, stride=[1], low=0.0, high=1.0))


class TestRefused:
    """Kernels that draw themselves, with and without a GPU to run them."""

    @pytest.mark.parametrize("schema", [row.schema for row in RANDOM_OPERATORS if row.refused])
    def test_with_dropout(self, schema: str) -> None:
        if not exists(schema):
            pytest.skip("not in this torch")
        base, _, overload = schema.partition(".")
        names = [argument.name for argument in torch._C._get_schema(base, overload).arguments]
        at = next(number for number, name in enumerate(names) if name in ("dropout", "dropout_p"))
        row, passed = ROWS[schema], []
        assert row.kernel is not None

        def given(dropout: float) -> list[Any]:
            return [
                dropout if number == at else True if name == "train" else 0
                for number, name in enumerate(names)
            ]

        row.kernel(lambda *args, **kwargs: passed.append((args, kwargs)), *given(0.0)[: at + 2])
        row.kernel(
            lambda *args, **kwargs: passed.append((args, kwargs)), *given(0.0)[:at], **{names[at]: 0.0}
        )
        assert len(passed) == 2
        with pytest.raises(DeterminismError, match="draws its dropout inside a kernel"):
            row.kernel(lambda *args, **kwargs: passed.append((args, kwargs)), *given(0.5)[: at + 2])
        assert len(passed) == 2

    @pytest.mark.parametrize("bool_mask", [False, True])
    @pytest.mark.parametrize("causal", [False, True])
    def test_a_gpus_attention_takes_the_plain_way(self, bool_mask: bool, causal: bool) -> None:
        """What is called for a tensor of another device gives a CPU's bits."""
        query = torch.linspace(-1, 1, 2 * 3 * 4 * 8).view(2, 3, 4, 8)
        mask = None
        if not causal:
            mask = torch.ones(4, 4).tril()
            mask = mask.bool() if bool_mask else mask

        with portable(0):
            expected = F.scaled_dot_product_attention(query, query, query, mask, 0.5, causal)
        with portable(0):
            plain = torch.ops.aten._scaled_dot_product_attention_math.default
            given = masks.plain_mask(mask, query.dtype)
            assert torch.equal(plain(query, query, query, given, 0.5, causal)[0], expected)
        assert masks.choice(lambda *_, **__: 1, query, query, query, mask, 0.5) == 0
        assert masks.choice(lambda *_, **__: 1, query, query, query, mask, 0.0) == 1
        assert masks.choice(lambda *_, **__: 1, query, query, query, dropout_p=0.5) == 0


INITS: dict[str, Callable[[Tensor], Tensor]] = {
    "uniform_": nn.init.uniform_,
    "normal_": nn.init.normal_,
    "trunc_normal_": nn.init.trunc_normal_,
    "xavier_uniform_": nn.init.xavier_uniform_,
    "xavier_normal_": nn.init.xavier_normal_,
    "kaiming_uniform_": nn.init.kaiming_uniform_,
    "kaiming_normal_": nn.init.kaiming_normal_,
    "orthogonal_": nn.init.orthogonal_,
    "sparse_": lambda tensor: nn.init.sparse_(tensor, 0.2),
}


@pytest.mark.parametrize("name", INITS)
def test_initialisations(name: str) -> None:
    repeats(lambda: INITS[name](torch.empty(30, 40)))


def test_every_random_initialisation_is_tested() -> None:
    fixed = {"constant_", "ones_", "zeros_", "eye_", "dirac_"}
    assert {name for name in vars(nn.init) if re.fullmatch("[a-z].*_", name)} == {*INITS, *fixed}


@pytest.mark.parametrize(
    "made",
    [
        lambda: nn.Linear(30, 40),
        lambda: nn.Conv2d(3, 8, 3),
        lambda: nn.Embedding(30, 8),
        lambda: nn.LSTM(8, 8, 2),
        lambda: nn.MultiheadAttention(8, 2),
        lambda: nn.TransformerEncoderLayer(8, 2, 16),
        lambda: nn.Bilinear(3, 4, 5),
    ],
    ids=["Linear", "Conv2d", "Embedding", "LSTM", "MultiheadAttention", "Transformer", "Bilinear"],
)
def test_modules_begin_with_the_same_weights(made: Callable[[], nn.Module]) -> None:
    repeats(lambda: list(made().state_dict().values()))


_IMAGE = torch.linspace(0.1, 1, 2 * 6 * 4 * 4).view(2, 6, 4, 4)


@pytest.mark.parametrize(
    "call",
    [
        lambda: F.dropout(_IMAGE),
        lambda: F.dropout(_IMAGE.clone(), inplace=True),
        lambda: F.dropout1d(_IMAGE[0]),
        lambda: F.dropout2d(_IMAGE),
        lambda: F.dropout3d(_IMAGE[:, :, None]),
        lambda: F.alpha_dropout(_IMAGE, 0.5, True),
        lambda: F.feature_alpha_dropout(_IMAGE, 0.5, True),
        lambda: F.rrelu(-_IMAGE, training=True),
        lambda: F.gumbel_softmax(_IMAGE),
        lambda: F.fractional_max_pool2d(_GRID[None, None], 2, output_size=8),
        lambda: F.scaled_dot_product_attention(_IMAGE, _IMAGE, _IMAGE, dropout_p=0.5),
        lambda: F.scaled_dot_product_attention(_IMAGE, _IMAGE, _IMAGE, dropout_p=0.5, is_causal=True),
        lambda: nn.MultiheadAttention(4, 2, 0.5)(*[_IMAGE[0]] * 3, need_weights=False),
        lambda: nn.MultiheadAttention(4, 2, 0.5)(*[_IMAGE[0]] * 3),
        lambda: nn.LSTM(4, 4, 2, dropout=0.5)(_IMAGE[0])[0],
        lambda: nn.GRU(4, 4, 2, dropout=0.5)(_IMAGE[0])[0],
        lambda: nn.TransformerDecoderLayer(4, 2, 8, 0.5)(_IMAGE[0], _IMAGE[0]),
        lambda: torch.pca_lowrank(_GRID, 2),
        lambda: torch.svd_lowrank(_GRID, 2),
    ],
    ids=[
        *("dropout", "dropout in place", "dropout1d", "dropout2d", "dropout3d", "alpha", "feature alpha"),
        *("rrelu", "gumbel_softmax", "fractional_max_pool2d", "attention", "causal attention"),
        *("MultiheadAttention", "MultiheadAttention with weights", "LSTM", "GRU", "Transformer"),
        *("pca_lowrank", "svd_lowrank"),
    ],
)
def test_functions_and_modules(call: Draw) -> None:
    repeats(call)


_A, _B = torch.linspace(0.5, 3, 12), torch.linspace(1, 2, 12)
_MATRIX = torch.eye(3) * 2

D = distributions
DISTRIBUTIONS: dict[str, Callable[[], Any]] = {
    "Bernoulli": lambda: D.Bernoulli(_A / 4),
    "Beta": lambda: D.Beta(_A, _B),
    "Binomial": lambda: D.Binomial(9, _A / 4),
    "Categorical": lambda: D.Categorical(_A),
    "Cauchy": lambda: D.Cauchy(_A, _B),
    "Chi2": lambda: D.Chi2(_A),
    "ContinuousBernoulli": lambda: D.ContinuousBernoulli(_A / 4),
    "Dirichlet": lambda: D.Dirichlet(_A),
    "Exponential": lambda: D.Exponential(_A),
    "FisherSnedecor": lambda: D.FisherSnedecor(_A, _B),
    "Gamma": lambda: D.Gamma(_A, _B),
    "GeneralizedPareto": lambda: D.GeneralizedPareto(_A, _B, _B / 9),
    "Geometric": lambda: D.Geometric(_A / 4),
    "Gumbel": lambda: D.Gumbel(_A, _B),
    "HalfCauchy": lambda: D.HalfCauchy(_A),
    "HalfNormal": lambda: D.HalfNormal(_A),
    "Independent": lambda: D.Independent(D.Normal(_A, _B), 1),
    "InverseGamma": lambda: D.InverseGamma(_A, _B),
    "Kumaraswamy": lambda: D.Kumaraswamy(_A, _B),
    "LKJCholesky": lambda: D.LKJCholesky(3),
    "Laplace": lambda: D.Laplace(_A, _B),
    "LogNormal": lambda: D.LogNormal(_A, _B),
    "LogisticNormal": lambda: D.LogisticNormal(_A, _B),
    "LowRankMultivariateNormal": lambda: D.LowRankMultivariateNormal(_A[:3], _MATRIX, _B[:3]),
    "MixtureSameFamily": lambda: D.MixtureSameFamily(D.Categorical(_A), D.Normal(_A, _B)),
    "Multinomial": lambda: D.Multinomial(9, _A),
    "MultivariateNormal": lambda: D.MultivariateNormal(_A[:3], _MATRIX),
    "NegativeBinomial": lambda: D.NegativeBinomial(_A, _B / 4),
    "Normal": lambda: D.Normal(_A, _B),
    "OneHotCategorical": lambda: D.OneHotCategorical(_A),
    "OneHotCategoricalStraightThrough": lambda: D.OneHotCategoricalStraightThrough(_A),
    "Pareto": lambda: D.Pareto(_A, _B),
    "Poisson": lambda: D.Poisson(_A * 5),
    "RelaxedBernoulli": lambda: D.RelaxedBernoulli(torch.tensor(0.5), _A / 4),
    "RelaxedOneHotCategorical": lambda: D.RelaxedOneHotCategorical(torch.tensor(0.5), _A),
    "StudentT": lambda: D.StudentT(_A),
    "TransformedDistribution": lambda: D.TransformedDistribution(D.Normal(_A, _B), D.ExpTransform()),
    "Uniform": lambda: D.Uniform(_A, _A + _B),
    "VonMises": lambda: D.VonMises(_A, _B),
    "Weibull": lambda: D.Weibull(_A, _B),
    "Wishart": lambda: D.Wishart(torch.tensor(4.0), _MATRIX),
}


@pytest.mark.filterwarnings("ignore:Singular sample detected")  # torch says so of any Wishart's
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_distributions(name: str) -> None:
    repeats(lambda: DISTRIBUTIONS[name]().sample((5,)))


def test_every_distribution_is_tested() -> None:
    bases = {"Distribution", "ExponentialFamily"}
    classes = {name for name in D.__all__ if isinstance(getattr(D, name), type)}
    found = {name for name in classes if issubclass(getattr(D, name), D.Distribution)}
    assert found - bases == set(DISTRIBUTIONS)


class TestLoaders:
    DATA = TensorDataset(torch.arange(40))

    def order(self, **options: Any) -> list[int]:
        return [int(i) for (batch,) in DataLoader(self.DATA, batch_size=4, **options) for i in batch]

    def test_shuffled(self) -> None:
        with portable(0):
            first, second = self.order(shuffle=True), self.order(shuffle=True)
        with portable(0):
            assert self.order(shuffle=True) == first
        assert sorted(first) == sorted(second) == list(range(40))
        assert first != second

    def test_with_a_generator(self) -> None:
        def one() -> list[int]:
            return self.order(shuffle=True, generator=torch.Generator().manual_seed(4))

        with portable(0):
            first = one()
            torch.rand(3)
            assert one() == first
        assert one() != first

    def test_samplers(self) -> None:
        for sampler in (
            RandomSampler(self.DATA, replacement=True, num_samples=20),
            WeightedRandomSampler([1.0, 2, 3, 4], 20),
        ):
            with portable(0):
                first = list(sampler)
            with portable(0):
                assert list(sampler) == first

    def test_splits(self) -> None:
        with portable(0):
            first = random_split(self.DATA, [30, 10])[0].indices
        with portable(0):
            assert random_split(self.DATA, [30, 10])[0].indices == first

    def test_forked_workers_draw_ours(self) -> None:
        def run(drawing_more: bool) -> list[Tensor]:
            with portable(0):
                loader = DataLoader(Noisy(), batch_size=2, num_workers=2, multiprocessing_context="fork")
                batches = list(loader)
                if drawing_more:
                    torch.rand(3)
                return batches

        first = run(False)
        assert all(map(torch.equal, first, run(True)))
        with portable(0):
            seed = int(torch.empty((), dtype=torch.int64).random_())
        for number, batch in enumerate(first):
            worker, first_row = key(seed + number % 2), 2 * (number // 2)
            expected = [sr.uniform(fold_in(worker, first_row + row), 3) for row in range(2)]
            assert torch.equal(batch, torch.stack(expected))


class Noisy(torch.utils.data.Dataset[Tensor]):
    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Tensor:
        return torch.rand(3)


class TestDistributedTensors:
    """What torch calls for a DTensor on a GPU."""

    def test_draws_are_refused(self) -> None:
        from torch.distributed.tensor import _dispatch, _random

        before = _random.OffsetBasedRNGTracker._distribute_region, vars(_dispatch).get("run_dtensor_rng_op")
        with portable(0):
            with pytest.raises(DeterminismError, match="no numbers for a DTensor"):
                _random.OffsetBasedRNGTracker._distribute_region(None, None)
            if before[1] is not None:  # newer ones have it
                with pytest.raises(DeterminismError, match="no numbers for a DTensor"):
                    _dispatch.run_dtensor_rng_op(0, 0, torch.ops.aten.uniform_.default, _X)
        after = _random.OffsetBasedRNGTracker._distribute_region, vars(_dispatch).get("run_dtensor_rng_op")
        assert before == after


def test_a_draw_that_fails_is_none() -> None:
    torch.manual_seed(0)
    before = state.saved()
    with pytest.raises(ZeroDivisionError), drawing.attempt(None, _X):
        _ = 1 / 0
    assert torch.equal(state.saved(), before)


def test_a_draw_that_fails_takes_back_no_other() -> None:
    torch.manual_seed(0)
    with pytest.raises(ZeroDivisionError), drawing.attempt(None, _X):  # noqa: PT012
        assert state.advance(None, "")[1] == 1  # another thread's
        _ = 1 / 0
    assert state.advance(None, "")[1] == 2
