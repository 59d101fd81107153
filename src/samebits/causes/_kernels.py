"""Calls that run a kernel without a fixed order of adding on CUDA, by their names, modes and arguments.

Which operations these are, and what PyTorch does of each, is the table of `model.operators`.  Here is what of
their arguments decides: `mode="nearest"` is deterministic, and so is pooling to one number; sums of integers
and of ones are exact.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from samebits.causes._constants import is_float, is_whole, literal
from samebits.model.operators import OPERATIONS, Torch
from samebits.source.module import Module, argument, keyword, last_name

_Found = str | None  # how the call is spoken of, if it runs such a kernel
_LINEAR: Final = frozenset({"linear", "bilinear", "bicubic", "trilinear"})
_DEPTH: Final = 5
#: What a model is called, at the end of a name.
_MODELS: Final = (
    "model", "net", "network", "backbone", "encoder", "decoder", "generator", "head", "segmenter",
    "student", "unet",
)  # fmt: skip
#: What a model's output is called, at the start of a name.
_OUTPUTS: Final = ("pred", "out", "logit", "feat", "fake", "hidden", "y_hat", "recon", "embed", "rendered")
_SHAPES: Final = frozenset(
    {"view", "reshape", "unsqueeze", "squeeze", "permute", "transpose", "float", "contiguous", "to"}
    | {"sigmoid", "softmax", "flatten", "relu", "tanh"}
)
#: Operations of one tensor and of sizes.
_OF_ONE: Final = frozenset({"interpolate", "pad", "adaptive_avg_pool", "adaptive_max_pool", "max_unpool"})
_POOLS: Final = ("MaxPool3d", "AvgPool3d", "max_pool3d", "avg_pool3d")


class Kernel(NamedTuple):
    """A call that runs one.

    Attributes:
        call: the call.
        said: how it is spoken of: "interpolate(mode='bilinear')".
        operation: its name in the table.
        backward: whether its backward alone is nondeterministic.
        torch: what PyTorch does under `torch.use_deterministic_algorithms(True)`.
        learns: whether it is certainly propagated back through it: it makes a layer, is a loss, or gets what
            a model gave.
        bare: whether it certainly gets an argument of its function as it is.
    """

    call: ast.Call
    said: str
    operation: str
    backward: bool
    torch: Torch
    learns: bool
    bare: bool = False


def kernels(module: Module) -> Iterator[Kernel]:
    """Every such call of a module."""
    if "torch" not in module.text:
        return
    for call, name, last in module.calls:
        found = _found(module, call, name, last)
        if found is None or _on_cpu(module, call):
            continue
        said, operation = found
        rows = [row for row in OPERATIONS if row.name == operation]
        backward = bool(rows) and all(row.schema.partition(".")[0].endswith("_backward") for row in rows)
        kinds = {row.torch for row in rows} or {Torch.SLOW}
        if operation == "adaptive_max_pool":
            kinds = {Torch.SILENT} if "3d" in said else {Torch.RAISES}
        elif operation == "scatter":
            kinds = {Torch.RAISES}  # with `reduce`
        worst = next(kind for kind in (Torch.RAISES, Torch.SILENT, Torch.SLOW) if kind in kinds)
        learns = last[:1].isupper() or operation == "ctc_loss" or _of_model(module, call)
        yield Kernel(call, said, operation, backward, worst, learns, _is_bare(module, call, name, operation))


def _of_model(module: Module, call: ast.Call) -> bool:
    """Whether what a call gets is what a model gave."""
    node: ast.expr | None = call.args[0] if call.args else None
    for _ in range(_DEPTH):
        match node:
            case ast.Name():
                values = [one for one in module.names.values(node) or () if not _calls(one, call)]
                if not values:
                    return node.id.lower().startswith(_OUTPUTS)
                node = values[-1]
            case ast.Subscript() | ast.Attribute():
                node = node.value
            case ast.Call():
                name = last_name(node.func).lower()
                if keyword(node, "requires_grad") is not None or name in ("parameter", "requires_grad_"):
                    return True
                if isinstance(node.func, ast.Attribute) and name in _SHAPES:
                    node = node.func.value
                    continue
                unknown = module.names.called(node) is None
                return unknown and name.endswith(_MODELS) and not name.startswith(("get_", "build_", "load_"))
            case _:
                return False
    return False


def _is_bare(module: Module, call: ast.Call, name: str | None, operation: str) -> bool:
    """Whether a call gets arguments of its function alone, of which nothing but type and shape changed."""
    given = [*call.args, *(one.value for one in call.keywords if one.arg in ("input", "grid", "boxes"))]
    if name is None and isinstance(call.func, ast.Attribute):
        given.insert(0, call.func.value)
    if operation in _OF_ONE:
        given = given[:1]
    return bool(given) and all(_is_argument(module, call, node) for node in given)


def _is_argument(module: Module, call: ast.Call, node: ast.expr) -> bool:
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=inner, attr=attr)) if attr in _SHAPES:
                node = inner
            case ast.Subscript(value=inner):
                node = inner
            case _:
                break
    function = module.function(call)
    if isinstance(node, ast.Constant):
        return True
    if not isinstance(node, ast.Name) or function is None or module.names.home(node) is not function:
        return False
    given = function.args
    if all(one.arg != node.id for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)):
        return False
    return not any(
        isinstance(other, ast.Name)
        and isinstance(other.ctx, ast.Store)
        and other.id == node.id
        and (other.lineno < call.lineno or any(True for _ in module.loops(call)))
        for other in module.within(function)
    )


def _calls(value: ast.expr, call: ast.Call) -> bool:
    return any(inner is call for inner in ast.walk(value))


def _found(module: Module, call: ast.Call, name: str | None, last: str) -> tuple[str, str] | None:
    if name is not None and name.startswith(("torch.", "torchvision.ops.", "torch_scatter.")):
        ask = _FUNCTIONS.get(last)
        if ask is None or name.startswith(("torch.utils", "torch.optim", "torch.distributed")):
            return None
        first = 0 if last[0].isupper() else 1
        operation, said = ask[0], ask[1](module, call, first, last)
        if said is None:
            return None
        return said, operation
    if name is None and last in _METHODS and isinstance(call.func, ast.Attribute):
        operation, test = _METHODS[last]
        said = test(module, call, 0, last)
        return None if said is None else (said, operation)
    return None


def _on_cpu(module: Module, call: ast.Call) -> bool:
    """Whether what the call gets is plainly on the CPU: `x.cpu()`."""
    given = [*call.args]
    if last_name(call.func) in ("pad", "interpolate", "grid_sample"):
        given = given[:1]
    if isinstance(call.func, ast.Attribute):
        given.append(call.func.value)
    for node in given:
        values = [node]
        if isinstance(node, ast.Name):
            values = module.names.values(node) or []
        for value in values:
            for inner in ast.walk(value):
                if isinstance(inner, ast.Attribute) and inner.attr in (
                    "cpu",
                    "numpy",
                    "from_numpy",
                    "detach",
                ):
                    return True
                if isinstance(inner, ast.Constant) and inner.value == "cpu":
                    return True
    return False


# -- what of the arguments decides


def _always(module: Module, call: ast.Call, first: int, last: str) -> _Found:
    return f"{last}()"


def _interpolates(module: Module, call: ast.Call, first: int, last: str) -> _Found:
    if last in ("UpsamplingBilinear2d", "upsample_bilinear"):
        return f"{last}()"
    mode = literal(module, argument(call, first + 2, "mode"))
    return f"{last}(mode={mode!r})" if mode in _LINEAR else None


def _pools_adaptively(module: Module, call: ast.Call, first: int, last: str) -> _Found:
    size = literal(module, argument(call, first, "output_size"))
    sizes = size if isinstance(size, tuple) else (size,)
    if size is ... or all(one in (1, None) for one in sizes):
        return None
    return f"{last}({size!r})"


def _pads(module: Module, call: ast.Call, first: int, last: str) -> _Found:
    if last == "pad":
        mode = literal(module, argument(call, 2, "mode"))
        if mode == "replicate":
            return "pad(mode='replicate')"
        given = argument(call, 1, "pad")
        sides = len(given.elts) if isinstance(given, ast.Tuple | ast.List) else 0
        return "pad(mode='reflect')" if mode == "reflect" and sides in (2, 6) else None
    if last.startswith("Conv"):
        mode = literal(module, keyword(call, "padding_mode"))
        if mode == "replicate" or (mode == "reflect" and last != "Conv2d"):
            return f"{last}(padding_mode={mode!r})"
        return None
    return f"{last}()"


def _pools_overlapping(module: Module, call: ast.Call, first: int, last: str) -> _Found:
    """Windows that do not overlap add nothing to each other."""
    size = literal(module, argument(call, first, "kernel_size"))
    stride = literal(module, argument(call, first + 1, "stride"))
    if size is ... or stride is ... or argument(call, first + 1, "stride") is None:
        return None
    sizes = size if isinstance(size, tuple) else (size,) * 3
    strides = stride if isinstance(stride, tuple) else (stride,) * 3
    pairs = zip(sizes, strides, strict=False)
    overlaps = any(isinstance(a, int) and isinstance(b, int) and a > b for a, b in pairs)
    return f"{last}(kernel_size={size!r}, stride={stride!r})" if overlaps else None


def _weighs(module: Module, call: ast.Call, first: int, last: str) -> _Found:
    weights = argument(call, first, "weights")
    if weights is None or literal(module, weights) is None or is_whole(module, weights):
        return None
    return "bincount(weights=...)"


def _scatters(source: int, named: str) -> Callable[[Module, ast.Call, int, str], _Found]:
    """What adds numbers to places: of integers and of ones the sum is exact in any order."""

    def test(module: Module, call: ast.Call, first: int, last: str) -> _Found:
        given = argument(call, first + source, named)
        if given is None or is_whole(module, given):
            return None
        base = call.args[0] if first and call.args else None
        if not first and isinstance(call.func, ast.Attribute):
            base = call.func.value
        if base is not None and _is_typed_whole(module, base):
            return None
        return f"{last}()"

    return test


def _is_typed_whole(module: Module, base: ast.expr) -> bool:
    """Whether what is added to is certainly of integers: floats are, where no type is given."""
    if isinstance(base, ast.Name):
        values = module.names.values(base)
        return values is not None and all(_is_typed_whole(module, value) for value in values)
    if isinstance(base, ast.Call):
        kind = keyword(base, "dtype")
        return kind is not None and is_whole(module, base) and not _is_float_type(module, kind)
    return False


def _is_float_type(module: Module, kind: ast.expr) -> bool:
    return (module.names.qualified(kind) or "").startswith(
        ("torch.float", "torch.double", "torch.bfloat", "torch.half")
    )


def _reduces(module: Module, call: ast.Call, first: int, last: str) -> _Found:
    """`scatter_reduce` and `index_reduce`: the largest and the smallest of numbers have no order."""
    reduce = literal(module, argument(call, first + 3, "reduce"))
    if reduce not in ("sum", "mean", "prod") or is_whole(module, argument(call, first + 2, "src")):
        return None
    return f"{last}(reduce={reduce!r})"


def _scatters_with(module: Module, call: ast.Call, first: int, last: str) -> _Found:
    reduce = literal(module, keyword(call, "reduce"))
    if reduce not in ("add", "multiply") or is_whole(module, argument(call, first + 2, "src")):
        return None
    return f"{last}(reduce={reduce!r})"


def _accumulates(module: Module, call: ast.Call, first: int, last: str) -> _Found:
    accumulate = argument(call, first + 2, "accumulate")
    if literal(module, accumulate) is not True or is_whole(module, argument(call, first + 1, "values")):
        return None
    return f"{last}(accumulate=True)"


def _sums(module: Module, call: ast.Call, first: int, last: str) -> _Found:
    """Only what is certainly of floats, and not a table that is made once."""
    function = module.function(call)
    if function is not None and function.name in ("__init__", "__post_init__"):
        return None
    base: ast.expr | None = call.args[0] if first and call.args else None
    if not first and isinstance(call.func, ast.Attribute):
        base = call.func.value
    return f"{last}() of floats" if is_float(module, base) else None


def _bags(module: Module, call: ast.Call, first: int, last: str) -> _Found:
    return f"{last}(mode='max')" if literal(module, keyword(call, "mode")) == "max" else None


def _torch_scatter(module: Module, call: ast.Call, first: int, last: str) -> _Found:
    name = module.names.called(call) or ""
    if not name.startswith("torch_scatter."):
        return _scatters_with(module, call, first, last)
    reduce = literal(module, keyword(call, "reduce")) if last == "scatter" else last.rpartition("_")[2]
    if reduce is None or reduce is ...:
        return None
    whole = is_whole(module, argument(call, 0, "src"))
    return f"torch_scatter.{last}()" if reduce in ("add", "sum", "mean") and not whole else None


_Test = Callable[[Module, ast.Call, int, str], _Found]
_ADD: Final = _scatters(2, "src")
_INDEX_ADD: Final = _scatters(2, "source")


def _adds(module: Module, call: ast.Call, first: int, last: str) -> _Found:
    library = (module.names.called(call) or "").startswith("torch_scatter.")
    return (_torch_scatter if library else _ADD)(module, call, first, last)


#: Functions and modules by their last names: the operation of the table, and what of the arguments decides.
_FUNCTIONS: Final[dict[str, tuple[str, _Test]]] = {
    **dict.fromkeys(
        ("interpolate", "upsample", "Upsample", "UpsamplingBilinear2d", "upsample_bilinear"),
        ("interpolate", _interpolates),
    ),
    **dict.fromkeys(("grid_sample", "grid_sampler"), ("grid_sample", _always)),
    **{f"AdaptiveAvgPool{n}d": ("adaptive_avg_pool", _pools_adaptively) for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": ("adaptive_avg_pool", _pools_adaptively) for n in (1, 2, 3)},
    **{f"AdaptiveMaxPool{n}d": ("adaptive_max_pool", _pools_adaptively) for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": ("adaptive_max_pool", _pools_adaptively) for n in (1, 2, 3)},
    **{f"MaxUnpool{n}d": ("max_unpool", _always) for n in (1, 2, 3)},
    **{f"max_unpool{n}d": ("max_unpool", _always) for n in (1, 2, 3)},
    **{f"FractionalMaxPool{n}d": ("fractional_max_pool", _always) for n in (2, 3)},
    **{f"fractional_max_pool{n}d": ("fractional_max_pool", _always) for n in (2, 3)},
    **{f"ReplicationPad{n}d": ("pad", _pads) for n in (1, 2, 3)},
    **{f"ReflectionPad{n}d": ("pad", _pads) for n in (1, 3)},
    **{f"Conv{n}d": ("pad", _pads) for n in (1, 2, 3)},
    "pad": ("pad", _pads),
    **{
        name: (name.lower().replace("pool3d", "_pool3d").replace("__", "_"), _pools_overlapping)
        for name in _POOLS
    },
    **dict.fromkeys(("CTCLoss", "ctc_loss"), ("ctc_loss", _always)),
    **dict.fromkeys(("EmbeddingBag", "embedding_bag"), ("embedding_bag", _bags)),
    **dict.fromkeys(("roi_align", "RoIAlign", "MultiScaleRoIAlign"), ("roi_align", _always)),
    **dict.fromkeys(("ps_roi_align", "PSRoIAlign"), ("ps_roi_align", _always)),
    **dict.fromkeys(("roi_pool", "RoIPool"), ("roi_pool", _always)),
    **dict.fromkeys(("ps_roi_pool", "PSRoIPool"), ("ps_roi_pool", _always)),
    **dict.fromkeys(("deform_conv2d", "DeformConv2d"), ("deform_conv2d", _always)),
    "bincount": ("bincount", _weighs),
    "histc": ("histc", _always),
    "scatter_add": ("scatter_add", _adds),
    "scatter_sum": ("scatter_add", _torch_scatter),
    "scatter_mean": ("scatter_add", _torch_scatter),
    "scatter": ("scatter", _torch_scatter),
    "index_add": ("index_add", _INDEX_ADD),
    "scatter_reduce": ("scatter_reduce", _reduces),
    "index_reduce": ("index_reduce", _reduces),
    "index_put": ("index_put", _accumulates),
    "index_put_": ("index_put", _accumulates),
    "cumsum": ("cumsum", _sums),
}
_METHODS: Final[dict[str, tuple[str, _Test]]] = {
    **dict.fromkeys(("scatter_add", "scatter_add_"), ("scatter_add", _ADD)),
    **dict.fromkeys(("index_add", "index_add_"), ("index_add", _INDEX_ADD)),
    **dict.fromkeys(("scatter_reduce", "scatter_reduce_"), ("scatter_reduce", _reduces)),
    **dict.fromkeys(("index_reduce", "index_reduce_"), ("index_reduce", _reduces)),
    **dict.fromkeys(("index_put", "index_put_"), ("index_put", _accumulates)),
    **dict.fromkeys(("scatter", "scatter_"), ("scatter", _scatters_with)),
    "put_": ("put", _accumulates),
    "histc": ("histc", _always),
    "bincount": ("bincount", _weighs),
    **dict.fromkeys(("cumsum", "cumsum_"), ("cumsum", _sums)),
}
