"""How each operation of the table is reached: unmodified public calls, on data made from a seed.

One list for all who run the operations: the tests hold each case to the contract,
the benchmark times it, `samebits ops --check` repeats it on the machine at hand.
Data have what makes float atomics differ: many contributions to few targets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from samebits.ops.case import Build, Case, Maker, Shape, Size, Task


def _sizes(*shapes: Shape) -> dict[Size, Shape]:
    return dict(zip(Size, shapes, strict=True))


_LINES = _sizes((1, 2, 5), (8, 32, 200), (4, 32, 512), (8, 64, 2048), (16, 128, 4096))
_PLANES = _sizes((1, 2, 4, 3), (2, 8, 61, 47), (2, 16, 48, 48), (4, 32, 96, 96), (8, 64, 128, 128))
_VOLUMES = _sizes(
    (1, 1, 3, 3, 4), (2, 3, 21, 23, 19), (1, 8, 20, 20, 20), (2, 16, 32, 32, 32), (2, 32, 48, 48, 48)
)
#: Rows, columns: of a matrix whose rows are scattered, gathered or looked up.
_TABLES = _sizes((4, 3), (1024, 48), (1000, 64), (8192, 128), (32768, 256))
_VECTORS = _sizes((12,), (50_021,), (65_536,), (1_048_576,), (8_388_608,))


def _on_one(call: Callable[[Tensor], Tensor], draw: str = "normal") -> Build:
    """A function of one tensor of the case's shape."""

    def build(make: Maker, shape: Shape) -> Task:
        return Task(call, (getattr(make, draw)(*shape),))

    return build


def _resized(mode: str, ratio: float, **options: Any) -> Build:
    """To `ratio` times the size, rounded to a number that does not divide it."""

    def build(make: Maker, shape: Shape) -> Task:
        size = [int(n * ratio) + 1 for n in shape[2:]]
        return Task(partial(F.interpolate, size=size, mode=mode, **options), (make.normal(*shape),))

    return build


def _scaled(mode: str, factor: float, **options: Any) -> Build:
    return _on_one(partial(F.interpolate, scale_factor=factor, mode=mode, **options))


def _grid_sample(mode: str, padding: str, align: bool) -> Build:
    """Points all over the image and a little beyond."""

    def build(make: Maker, shape: Shape) -> Task:
        n, _, *space = shape
        grid = make.uniform(-1.15, 1.15, n, *space, len(space))
        call = partial(F.grid_sample, mode=mode, padding_mode=padding, align_corners=align)
        return Task(call, (make.normal(*shape), grid))

    return build


def _fewer(pool: Callable[..., Tensor]) -> Build:
    """An adaptive pool to a size that does not divide the input's: its windows overlap."""

    def build(make: Maker, shape: Shape) -> Task:
        size = [max(n * 2 // 5, 2) for n in shape[2:]]
        return Task(partial(pool, output_size=size), (make.distinct(*shape),))

    return build


def _fractional(pool: Callable[..., Tensor]) -> Build:
    def build(make: Maker, shape: Shape) -> Task:
        dimensions = len(shape) - 2
        samples = make.uniform(0, 1, *shape[:2], dimensions)
        size = [max(n // 2, 1) for n in shape[2:]]
        return Task(
            partial(pool, kernel_size=2, output_size=size, _random_samples=samples), (make.distinct(*shape),)
        )

    return build


def _unpool(unpool: Callable[..., Tensor], alike: bool) -> Build:
    """Into twice the size; `alike` indices are written to several times, and the last one stays."""

    def build(make: Maker, shape: Shape) -> Task:
        space = shape[2:]
        size = [2 * n for n in space]
        planes, cells, bins = math.prod(shape[:2]), math.prod(space), math.prod(size)
        if alike:
            index = make.index(bins, *shape)
        else:
            index = make.different(bins, cells, planes).t().reshape(shape).contiguous()
        call = partial(unpool, kernel_size=2, output_size=size)
        return Task(lambda x: call(x, index), (make.normal(*shape),))

    return build


def _scatter(change: Callable[[Tensor, Tensor, Tensor], Tensor], alike: bool = True) -> Build:
    """`change(table, index, rows)` along dimension 0, into a table of a third of the rows."""

    def build(make: Maker, shape: Shape) -> Task:
        rows, columns = shape
        bins = max(rows // 3, 2) if alike else rows + 2
        index = make.index(bins, rows, columns) if alike else make.different(bins, rows, columns)
        return Task(
            lambda x, y: change(x, index, y), (make.distinct(bins, columns), make.distinct(rows, columns))
        )

    return build


def _by_row(change: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Build:
    """`change(table, index, rows)`, an index a row."""

    def build(make: Maker, shape: Shape) -> Task:
        rows, columns = shape
        bins = max(rows // 3, 2)
        index = make.index(bins, rows)
        return Task(
            lambda x, y: change(x, index, y), (make.distinct(bins, columns), make.distinct(rows, columns))
        )

    return build


def _scatter_reduce(how: str, whole: bool) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    return lambda x, index, y: x.scatter_reduce(0, index, y, how, include_self=whole)


def _index_reduce(how: str, whole: bool) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    return lambda x, index, y: x.index_reduce(0, index, y, how, include_self=whole)


def _looked_up(make: Maker, shape: Shape) -> Task:
    rows, columns = shape
    index = make.index(max(rows // 3, 2), rows)
    return Task(lambda table: table[index], (make.normal(max(rows // 3, 2), columns),))


def _looked_up_in_two(make: Maker, shape: Shape) -> Task:
    rows, columns = shape
    side = max(math.isqrt(rows // 3), 2)
    index = make.index(side, rows), make.index(side, rows)
    return Task(lambda table: table[index[0], :, index[1]], (make.normal(side, columns, side),))


def _put(alike: bool, accumulate: bool) -> Build:
    def build(make: Maker, shape: Shape) -> Task:
        (count,) = shape
        bins = max(count // 3, 2) if alike else count + 2
        index = make.index(bins, count) if alike else make.different(bins, count, 1)[:, 0]
        return Task(lambda x, y: x.put(index, y, accumulate), (make.normal(bins), make.normal(count)))

    return build


def _bincount(make: Maker, shape: Shape) -> Task:
    (count,) = shape
    index = make.index(max(count // 100, 3), *shape)
    return Task(lambda weights: torch.bincount(index, weights), (make.normal(count),))


def _nll_loss2d(reduction: str, weighted: bool) -> Build:
    def build(make: Maker, shape: Shape) -> Task:
        n, classes, *space = shape
        target = make.index(classes, n, *space)
        weight = make.uniform(0.5, 1.5, classes) if weighted else None
        call = partial(F.nll_loss, weight=weight, reduction=reduction, ignore_index=1 if weighted else -100)
        return Task(lambda x: call(x, target), (make.normal(*shape),))

    return build


def _ctc(call: Callable[..., Tensor], lengths: str) -> Build:
    """(T, N, C) log probabilities; targets are short of the input, and repeat labels."""

    def build(make: Maker, shape: Shape) -> Task:
        steps, batch, classes = shape
        longest = max(steps // 4, 1)
        targets = make.index(classes - 1, batch, longest) + 1
        given, wanted = [steps] * batch, [max(longest - i % 3, 1) for i in range(batch)]
        if lengths == "tensors":
            sizes: Any = torch.tensor(given, device=make.device), torch.tensor(wanted, device=make.device)
        else:
            sizes = given, wanted
        return Task(lambda x: call(x.log_softmax(-1), targets, *sizes), (make.normal(*shape),))

    return build


def _ctc_operation(x: Tensor, targets: Tensor, given: Tensor, wanted: Tensor) -> Tensor:
    loss: Tensor = torch._ctc_loss(x, targets, given, wanted)[0]
    return loss


def _bags(mode: str, **options: Any) -> Build:
    def build(make: Maker, shape: Shape) -> Task:
        rows, columns = shape
        bins = max(rows // 3, 3)
        index, offsets = make.index(bins, rows), torch.arange(0, rows, 3, device=make.device)
        call: Callable[..., Tensor] = partial(F.embedding_bag, mode=mode, **options)
        return Task(lambda x: call(index, x, offsets), (make.distinct(bins, columns),))

    return build


def _torchvision(name: str) -> Callable[..., Any]:
    return getattr(import_module("torchvision.ops"), name)  # type: ignore[no-any-return]


def _regions(name: str, cells: int, **options: Any) -> Build:
    """Boxes that overlap; `ps_*` divide the channels among `cells * cells` cells."""

    def build(make: Maker, shape: Shape) -> Task:
        batch, channels, height, width = shape
        channels = channels * cells * cells if name.startswith("ps_") else channels
        count = 2 if height < 8 else 8 * batch
        corner = make.uniform(0, 0.5, count, 2).double()
        far = corner + make.uniform(0.2, 0.5, count, 2).double()
        edges = torch.tensor([width - 1.0, height - 1.0], dtype=torch.float64, device=make.device)
        image = make.index(batch, count).double()[:, None]
        boxes = make.given(torch.cat([image, corner * edges, far * edges], dim=1))
        call = partial(_torchvision(name), output_size=cells, **options)
        return Task(lambda x: call(x, boxes), (make.distinct(batch, channels, height, width),))

    return build


def _deformed(masked: bool) -> Build:
    def build(make: Maker, shape: Shape) -> Task:
        batch, channels, height, width = shape
        weight = make.normal(2, channels, 2, 2)
        offset = make.uniform(-0.9, 0.9, batch, 8, height - 1, width - 1)
        call = _torchvision("deform_conv2d")
        inputs = [make.normal(*shape), offset, weight, make.normal(2)]
        if masked:
            inputs.append(make.uniform(0.2, 1, batch, 4, height - 1, width - 1))
        return Task(
            lambda x, shifts, *rest: call(x, shifts, *rest[:2], mask=rest[2] if rest[2:] else None),
            (*inputs,),
        )

    return build


def _resampling(name: str, operation: str, build: Build, shapes: Mapping[Size, Shape] = _PLANES) -> Case:
    return Case(f"interpolate {name}", (f"aten::{operation}_backward",), build, shapes)


_RESAMPLE = (
    _resampling("linear", "upsample_linear1d", _resized("linear", 1.7), _LINES),
    _resampling("linear, corners", "upsample_linear1d", _resized("linear", 0.6, align_corners=True), _LINES),
    _resampling("bilinear", "upsample_bilinear2d", _resized("bilinear", 1.7)),
    _resampling("bilinear, by a factor", "upsample_bilinear2d", _scaled("bilinear", 2.0)),
    _resampling("bilinear, corners", "upsample_bilinear2d", _resized("bilinear", 1.7, align_corners=True)),
    _resampling("bilinear, down", "upsample_bilinear2d", _resized("bilinear", 0.6)),
    _resampling("bicubic", "upsample_bicubic2d", _resized("bicubic", 1.7)),
    _resampling("bicubic, corners", "upsample_bicubic2d", _resized("bicubic", 0.6, align_corners=True)),
    _resampling("trilinear", "upsample_trilinear3d", _resized("trilinear", 1.4), _VOLUMES),
    _resampling("bilinear, antialias", "_upsample_bilinear2d_aa", _resized("bilinear", 0.4, antialias=True)),
    _resampling(
        "bilinear, antialias, up", "_upsample_bilinear2d_aa", _resized("bilinear", 1.4, antialias=True)
    ),
    _resampling("bicubic, antialias", "_upsample_bicubic2d_aa", _resized("bicubic", 0.4, antialias=True)),
    _resampling("lanczos, antialias", "_upsample_lanczos2d_aa", _resized("lanczos", 0.4, antialias=True)),
)


def _sampling(mode: str, padding: str, align: bool, shapes: Mapping[Size, Shape] = _PLANES) -> Case:
    dimensions = len(shapes[Size.TINY]) - 2
    name = f"grid_sample {dimensions}d, {mode}, {padding}" + (", corners" if align else "")
    schema = f"aten::grid_sampler_{dimensions}d_backward"
    return Case(name, (schema,), _grid_sample(mode, padding, align), shapes)


_GRID_SAMPLE = (
    _sampling("bilinear", "zeros", False),
    _sampling("bilinear", "reflection", True),
    _sampling("bicubic", "border", False),
    _sampling("bicubic", "reflection", True),
    _sampling("nearest", "border", False),
    _sampling("bilinear", "zeros", False, _VOLUMES),
    _sampling("bilinear", "reflection", True, _VOLUMES),
    _sampling("nearest", "border", True, _VOLUMES),
)


def _pooling(name: str, operation: str, build: Build, shapes: Mapping[Size, Shape] = _PLANES) -> Case:
    return Case(name, (f"aten::{operation}_backward",), build, shapes)


_POOL = (
    _pooling("adaptive_avg_pool 2d", "_adaptive_avg_pool2d", _fewer(F.adaptive_avg_pool2d)),
    _pooling("adaptive_avg_pool 3d", "_adaptive_avg_pool3d", _fewer(F.adaptive_avg_pool3d), _VOLUMES),
    _pooling("adaptive_max_pool 2d", "adaptive_max_pool2d", _fewer(F.adaptive_max_pool2d)),
    _pooling("adaptive_max_pool 3d", "adaptive_max_pool3d", _fewer(F.adaptive_max_pool3d), _VOLUMES),
    _pooling(
        "avg_pool3d, windows overlap",
        "avg_pool3d",
        _on_one(partial(F.avg_pool3d, kernel_size=3, stride=2, padding=1)),
        _VOLUMES,
    ),
    _pooling(
        "avg_pool3d, edges not counted",
        "avg_pool3d",
        _on_one(partial(F.avg_pool3d, kernel_size=2, padding=1, ceil_mode=True, count_include_pad=False)),
        _VOLUMES,
    ),
    _pooling(
        "max_pool3d, windows overlap",
        "max_pool3d_with_indices",
        _on_one(partial(F.max_pool3d, kernel_size=3, stride=2, padding=1), "distinct"),
        _VOLUMES,
    ),
    _pooling("fractional_max_pool 2d", "fractional_max_pool2d", _fractional(F.fractional_max_pool2d)),
    _pooling(
        "fractional_max_pool 3d", "fractional_max_pool3d", _fractional(F.fractional_max_pool3d), _VOLUMES
    ),
)

_UNPOOL = tuple(
    Case(
        f"max_unpool {n}d" + (", indices alike" if alike else ""),
        (f"aten::max_unpool{max(n, 2)}d",),
        _unpool(call, alike),
        shapes,
        backward=False,
        derivatives=0 if alike else 2,
    )
    for n, call, shapes in (
        (1, F.max_unpool1d, _LINES),
        (2, F.max_unpool2d, _PLANES),
        (3, F.max_unpool3d, _VOLUMES),
    )
    for alike in (False, True)
)

_PAD = tuple(
    _pooling(
        f"pad {n}d, {mode}",
        f"{operation}_pad{n}d",
        _on_one(partial(F.pad, pad=(2, 1) * n, mode=mode)),
        (_LINES, _PLANES, _VOLUMES)[n - 1],
    )
    for mode, operation, dimensions in (
        ("reflect", "reflection", (1, 3)),
        ("replicate", "replication", (1, 2, 3)),
    )
    for n in dimensions
)


def _forward(name: str, schemas: Sequence[str], build: Build, derivatives: int = 2, **rest: Any) -> Case:
    shapes = rest.pop("shapes", _TABLES)
    named = tuple(f"aten::{schema}" for schema in schemas)
    return Case(name, named, build, shapes, backward=False, derivatives=derivatives, **rest)


_REDUCE = "The reduce argument of torch.scatter"
_BETA = r"index_reduce\(\) is in beta"

_SCATTER = (
    _forward("scatter", ["scatter_.src"], _scatter(lambda x, i, y: x.scatter(0, i, y), alike=False)),
    _forward("scatter, indices alike", ["scatter_.src"], _scatter(lambda x, i, y: x.scatter(0, i, y)), 0),
    _forward(
        "scatter, add",
        ["scatter_.reduce"],
        _scatter(lambda x, i, y: x.scatter(0, i, y, reduce="add")),
        0,
        warns=_REDUCE,
    ),
    _forward(
        "scatter, multiply",
        ["scatter_.reduce"],
        _scatter(lambda x, i, y: x.scatter(0, i, y, reduce="multiply")),
        0,
        warns=_REDUCE,
    ),
    _forward("scatter_add", ["scatter_add_"], _scatter(lambda x, i, y: x.scatter_add(0, i, y))),
    *(
        _forward(
            f"scatter_reduce, {how}" + ("" if whole else ", without itself"),
            ["scatter_reduce_.two"],
            _scatter(_scatter_reduce(how, whole)),
        )
        for how, whole in (
            ("sum", True),
            ("sum", False),
            ("mean", True),
            ("mean", False),
            ("prod", True),
            ("amin", True),
            ("amax", False),
        )
    ),
)

_INDEX = (
    *(
        _forward(
            f"index_reduce, {how}" + ("" if whole else ", without itself"),
            ["index_reduce_"],
            _by_row(_index_reduce(how, whole)),
            warns=_BETA,
        )
        for how, whole in (("mean", True), ("mean", False), ("prod", True), ("amin", True), ("amax", False))
    ),
    _forward("index_add", ["index_add_"], _by_row(lambda x, i, y: x.index_add(0, i, y, alpha=2))),
    _forward(
        "index_put, accumulate",
        ["_index_put_impl_"],
        _by_row(lambda x, i, y: x.index_put((i,), y, accumulate=True)),
    ),
    Case("index_put, table[index]", ("aten::_index_put_impl_",), _looked_up, _TABLES),
    Case("index_put, table[i, :, j]", ("aten::_index_put_impl_",), _looked_up_in_two, _TABLES),
    _forward("put", ["put_"], _put(alike=False, accumulate=False), shapes=_VECTORS),
    _forward("put, indices alike", ["put_"], _put(alike=True, accumulate=False), 0, shapes=_VECTORS),
    _forward("put, accumulate", ["put_"], _put(alike=True, accumulate=True), shapes=_VECTORS),
)

_COUNTS = (
    _forward("bincount", ["bincount"], _bincount, 0, shapes=_VECTORS),
    _forward("histc", ["histc"], _on_one(partial(torch.histc, bins=64)), 0, shapes=_VECTORS),
    _forward(
        "histc, in a range",
        ["histc"],
        _on_one(partial(torch.histc, bins=37, min=-1, max=1)),
        0,
        shapes=_VECTORS,
    ),
)

_SPEECH = _sizes((5, 2, 3), (60, 8, 96), (64, 4, 256), (256, 16, 512), (512, 32, 1024))
_CLASSES = _sizes((2, 3, 2, 2), (2, 7, 61, 67), (2, 16, 48, 48), (4, 32, 96, 96), (8, 64, 128, 128))

_LOSS = (
    *(
        _forward(
            f"nll_loss2d, {how}", ["nll_loss2d_forward"], _nll_loss2d(how, how != "sum"), shapes=_CLASSES
        )
        for how in ("mean", "sum")
    ),
    Case("ctc_loss", ("aten::_ctc_loss_backward",), _ctc(F.ctc_loss, "numbers"), _SPEECH, derivatives=1),
    Case(
        "ctc_loss, lengths are tensors",
        ("aten::_ctc_loss_backward.Tensor",),
        _ctc(_ctc_operation, "tensors"),
        _SPEECH,
        derivatives=1,
    ),
)

_EMBEDDING = (
    *(
        Case(f"embedding_bag, {name}", ("aten::_embedding_bag_dense_backward",), build, _TABLES, True, times)
        for name, build, times in (
            ("max", _bags("max"), 1),
            ("max, padded", _bags("max", padding_idx=1), 0),
        )
    ),
)

_ALONG = (
    _forward("median", ["median.dim_values"], _on_one(lambda x: x.median(0).values, "distinct")),
    _forward("nanmedian", ["nanmedian.dim_values"], _on_one(lambda x: x.nanmedian(-1).values, "distinct")),
    _forward("cumprod", ["cumprod"], _on_one(lambda x: x.cumprod(0), "around_one"), shapes=_VECTORS),
    _forward(
        "cumprod, in place",
        ["cumprod_"],
        _on_one(lambda x: x.clone().cumprod_(0), "around_one"),
        shapes=_VECTORS,
    ),
    _forward(
        "cumprod, into a tensor",
        ["cumprod.out"],
        _on_one(lambda x: torch.cumprod(x, 0, out=torch.empty_like(x)), "around_one"),
        0,
        shapes=_VECTORS,
    ),
    _forward("logcumsumexp", ["_logcumsumexp"], _on_one(lambda x: x.logcumsumexp(0)), shapes=_VECTORS),
)


def _region(name: str, build: Build) -> Case:
    schema = f"torchvision::_{name.partition(',')[0]}_backward"
    return Case(name, (schema,), build, _PLANES, derivatives=1)


_VISION = (
    _region("roi_align", _regions("roi_align", 3)),
    _region("roi_align, aligned", _regions("roi_align", 3, sampling_ratio=2, aligned=True)),
    _region("roi_pool", _regions("roi_pool", 3)),
    _region("ps_roi_align", _regions("ps_roi_align", 2)),
    _region("ps_roi_pool", _regions("ps_roi_pool", 2)),
    _region("deform_conv2d", _deformed(masked=True)),
    _region("deform_conv2d, without a mask", _deformed(masked=False)),
)

CASES: tuple[Case, ...] = (
    *_RESAMPLE,
    *_GRID_SAMPLE,
    *_POOL,
    *_UNPOOL,
    *_PAD,
    *_SCATTER,
    *_INDEX,
    *_COUNTS,
    *_LOSS,
    *_EMBEDDING,
    *_ALONG,
    *_VISION,
)
