"""Cases of layers, losses, sums in places and optimizers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from tests.arithmetic.cases import FULL, Operation, Shape, drawn, positive, same, share
from torch import Tensor, nn
from torch.nn import functional as F

aten = torch.ops.aten

_NCHW = "contiguous", "channels_last", "strided"


def classes(count: int, *shape: int) -> Tensor:
    """Whole numbers below `count`, the same everywhere."""
    return (drawn(shape, "classes").abs() * 1000).to(torch.int64) % count


def _convolutions() -> list[Operation]:
    c2 = F.conv2d
    listed: dict[str, tuple[Callable[..., Tensor], tuple[tuple[Shape, ...], ...]]] = {
        "conv1d": (F.conv1d, (((2, 5, 37), (7, 5, 3), (7,)), ((1, 70, 19), (3, 70, 5), (3,)))),
        "conv1d, stride, dilation": (partial(F.conv1d, stride=2, dilation=2, padding=3), (((2, 5, 37), (7, 5, 3), (7,)),)),
        "conv2d": (c2, (((2, 3, 13, 11), (8, 3, 3, 3), (8,)), ((2, 37, 6, 5), (5, 37, 3, 3), (5,)))),
        "conv2d, padded": (partial(c2, padding=1), (((3, 16, 9, 9), (19, 16, 3, 3), (19,)),)),
        "conv2d, stride": (partial(c2, stride=2, padding=3), (((2, 3, 23, 21), (9, 3, 7, 7), (9,)),)),
        "conv2d, dilation": (partial(c2, dilation=2, padding=2), (((2, 9, 13, 11), (5, 9, 3, 3), (5,)),)),
        "conv2d, groups": (partial(c2, groups=3, padding=1), (((2, 9, 13, 11), (6, 3, 3, 3), (6,)),)),
        "conv2d, depthwise": (partial(c2, groups=17, padding=1), (((2, 17, 13, 11), (17, 1, 3, 3), (17,)),)),
        "conv2d, depthwise, stride": (partial(c2, groups=8, padding=2, stride=2), (((2, 8, 13, 11), (8, 1, 5, 5), (8,)),)),
        "conv2d, 1x1": (c2, (((2, 300, 5, 4), (7, 300, 1, 1), (7,)),)),
        "conv2d, no bias": (c2, (((2, 3, 13, 11), (8, 3, 3, 2)),)),
        "conv3d": (partial(F.conv3d, padding=1), (((1, 3, 5, 7, 6), (4, 3, 3, 3, 3), (4,)),)),
        "conv_transpose1d": (partial(F.conv_transpose1d, stride=2), (((2, 5, 19), (5, 7, 3), (7,)),)),
        "conv_transpose2d": (partial(F.conv_transpose2d, stride=2, padding=1, output_padding=1), (((2, 9, 7, 6), (9, 5, 3, 3), (5,)),)),
        "conv_transpose2d, groups": (partial(F.conv_transpose2d, groups=3, dilation=2), (((2, 9, 7, 6), (9, 2, 3, 3), (6,)),)),
        "conv_transpose3d": (partial(F.conv_transpose3d, stride=2), (((1, 4, 3, 4, 5), (4, 3, 2, 2, 2), (3,)),)),
    }  # fmt: skip
    return [Operation(name, call, shapes, layouts=_NCHW, batched=(0,)) for name, (call, shapes) in listed.items()]


def _stats(x: Tensor) -> tuple[Tensor, Tensor]:
    channels = x.shape[1]
    return x.new_zeros(channels) + 0.25, x.new_ones(channels) * 1.5


def _batch_norm(training: bool) -> Callable[..., Any]:
    def call(x: Tensor, weight: Tensor, bias: Tensor) -> Any:
        mean, variance = _stats(x)
        y = F.batch_norm(x, mean, variance, weight, bias, training)
        return y, mean, variance

    return call


def _legit(x: Tensor, weight: Tensor, bias: Tensor) -> Any:
    return aten._native_batch_norm_legit(x, weight, bias, *_stats(x), True, 0.1, 1e-5)


def _without_stats(x: Tensor, weight: Tensor, bias: Tensor) -> Any:
    return aten._native_batch_norm_legit.no_stats(x, weight, bias, True, 0.1, 1e-5)


def _with_update(x: Tensor, weight: Tensor, bias: Tensor) -> Any:
    return aten._batch_norm_with_update(x, weight, bias, *_stats(x), 0.1, 1e-5)[0]


def _norms() -> list[Operation]:
    image: tuple[tuple[Shape, ...], ...] = (((4, 6, 9, 7), (6,), (6,)), ((3, 6, 300), (6,), (6,)), ((37, 5), (5,), (5,)))
    group: tuple[tuple[Shape, ...], ...] = (((4, 6, 9, 7), (6,), (6,)), ((3, 6, 300), (6,), (6,)))
    layer: tuple[tuple[Shape, ...], ...] = (((7, 37), (37,), (37,)), ((2, 3, 600), (600,), (600,)), ((5, 16), (16,), (16,)))
    return [
        Operation("layer_norm", lambda x, w, b: F.layer_norm(x, w.shape, w, b), layer, batched=(0,)),
        Operation("layer_norm, plain", lambda x: F.layer_norm(x, x.shape[1:]), (((7, 37),), ((3, 5, 70),)), batched=(0,)),
        Operation("rms_norm", lambda x, w: F.rms_norm(x, w.shape, w), tuple(s[:2] for s in layer), batched=(0,)),
        Operation("group_norm", lambda x, w, b: F.group_norm(x, 3, w, b), group, layouts=_NCHW, batched=(0,)),
        Operation("group_norm, plain", lambda x: F.group_norm(x, 2), (((4, 6, 9, 7),),), batched=(0,)),
        Operation("instance_norm", lambda x, w, b: F.instance_norm(x, weight=w, bias=b), group, batched=(0,)),
        Operation("batch_norm", _batch_norm(True), image, layouts=_NCHW),
        Operation("batch_norm, not training", _batch_norm(False), image, layouts=_NCHW),
        Operation("batch_norm, legit", _legit, image[:1]),
        Operation("batch_norm, without statistics", _without_stats, image[:1]),
        Operation("batch_norm, with update", _with_update, image[:1], dtypes=FULL),
        Operation("local_response_norm", partial(F.local_response_norm, size=3), (((2, 6, 5, 4),),)),
    ]


def _pools() -> list[Operation]:
    line, image, volume = (((2, 3, 17),),), (((2, 3, 13, 9),), ((1, 17, 14, 14),)), (((2, 3, 5, 6, 7),),)
    listed: dict[str, tuple[Callable[..., Any], Any]] = {
        "avg_pool1d": (partial(F.avg_pool1d, kernel_size=3), line),
        "avg_pool2d": (partial(F.avg_pool2d, kernel_size=3, stride=2, padding=1), image),
        "avg_pool2d, edges": (partial(F.avg_pool2d, kernel_size=3, stride=2, padding=1, ceil_mode=True, count_include_pad=False), image),
        "avg_pool3d": (partial(F.avg_pool3d, kernel_size=3, stride=2, padding=1, ceil_mode=True), volume),
        "adaptive_avg_pool1d": (partial(F.adaptive_avg_pool1d, output_size=5), line),
        "adaptive_avg_pool2d": (partial(F.adaptive_avg_pool2d, output_size=(5, 4)), image),
        "adaptive_avg_pool2d, one": (partial(F.adaptive_avg_pool2d, output_size=1), image),
        "adaptive_avg_pool3d": (partial(F.adaptive_avg_pool3d, output_size=(2, 5, 4)), volume),
        "max_pool1d": (partial(F.max_pool1d, kernel_size=3), line),
        "max_pool2d": (partial(F.max_pool2d, kernel_size=3, stride=1), image),
        "max_pool2d, padded": (partial(F.max_pool2d, kernel_size=3, stride=2, padding=1), image),
        "max_pool3d": (partial(F.max_pool3d, kernel_size=3, stride=1), volume),
        "adaptive_max_pool2d": (partial(F.adaptive_max_pool2d, output_size=(5, 4)), image),
        "adaptive_max_pool3d": (partial(F.adaptive_max_pool3d, output_size=(2, 3, 4)), volume),
        "lp_pool2d": (partial(F.lp_pool2d, norm_type=2, kernel_size=2), image),
        **{f"pad {mode}, {len(pads) // 2}d": (partial(F.pad, pad=pads, mode=mode), shapes)
           for mode in ("reflect", "replicate", "circular")
           for pads, shapes in (((3, 2), line), ((3, 2, 1, 4), image), ((3, 2, 1, 4, 0, 2), volume))},
        **{f"interpolate {mode}": (partial(F.interpolate, size=size, mode=mode), shapes)
           for mode, size, shapes in (("linear", 30, line), ("bilinear", (7, 20), image), ("bicubic", (7, 20), image), ("trilinear", (7, 4, 9), volume))},
        **{f"interpolate {mode}, {len(size)}d": (partial(F.interpolate, size=size, mode=mode), shapes)
           for mode in ("nearest", "nearest-exact") for size, shapes in (((30,), line), ((7, 20), image), ((7, 4, 9), volume))},
        **{f"interpolate {mode}, antialias": (partial(F.interpolate, size=(5, 20), mode=mode, antialias=True), image) for mode in ("bilinear", "bicubic")},
        "interpolate lanczos, antialias": (lambda x: aten._upsample_lanczos2d_aa(x, [5, 20], False, None, None), image),
        "interpolate bilinear, by a factor": (partial(F.interpolate, scale_factor=1.7, mode="bilinear"), image),
        "interpolate bilinear, aligned": (partial(F.interpolate, size=(13, 20), mode="bilinear", align_corners=True), image),
        "unfold": (partial(F.unfold, kernel_size=3, padding=1), image),
        "fold": (partial(F.fold, output_size=(6, 5), kernel_size=2), (((2, 12, 20),),)),
        "windows": (lambda x: x.unfold(-1, 5, 2), (((3, 67),), ((2, 3, 17),))),
        "pixel_shuffle": (partial(F.pixel_shuffle, upscale_factor=2), (((2, 8, 5, 3),),)),
    }  # fmt: skip
    made = [Operation(name, call, shapes, layouts=_NCHW, batched=(0,)) for name, (call, shapes) in listed.items()]
    made += [
        Operation("fractional_max_pool2d", lambda x: F.fractional_max_pool2d(x, 2, (5, 4)), image),
        Operation("fractional_max_pool3d", lambda x: F.fractional_max_pool3d(x, 2, (2, 3, 4)), volume),
        Operation("max_unpool2d", lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2), (((2, 3, 8, 6),),)),
    ]  # fmt: skip
    for mode in ("bilinear", "nearest", "bicubic"):
        for edge in ("zeros", "border", "reflection"):
            call = partial(F.grid_sample, mode=mode, padding_mode=edge, align_corners=False)
            shapes: Any = (((2, 5, 9, 8), (2, 7, 6, 2)),)
            if mode != "bicubic":
                shapes += (((1, 3, 4, 5, 6), (1, 3, 4, 5, 3)),)
            made.append(Operation(f"grid_sample {mode}, {edge}", call, shapes, dtypes=FULL, layouts=_NCHW[:2], batched=(0, 1)))
    return made


def _losses() -> list[Operation]:
    rows: Any = (((70, 9),), ((5, 300),))
    two: Any = (((70, 9), (70, 9)), ((5, 300), (5, 300)))
    made = []
    pairs = {
        "mse_loss": F.mse_loss, "l1_loss": F.l1_loss, "smooth_l1_loss": partial(F.smooth_l1_loss, beta=0.7),
        "huber_loss": partial(F.huber_loss, delta=0.7), "soft_margin_loss": F.soft_margin_loss,
        "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
        "poisson_nll_loss": F.poisson_nll_loss,
    }  # fmt: skip
    shares = {"binary_cross_entropy": F.binary_cross_entropy, "kl_div": F.kl_div, "gaussian": _gaussian}
    targets: dict[str, Callable[..., Any]] = {
        "nll_loss": lambda x, **o: F.nll_loss(x, classes(9, len(x)), x.detach()[0].abs(), ignore_index=3, **o),
        "cross_entropy": lambda x, **o: F.cross_entropy(x, classes(9, len(x)), **o),
        "cross_entropy, smoothed": lambda x, **o: F.cross_entropy(x, classes(9, len(x)), label_smoothing=0.1, **o),
        "multi_margin_loss": lambda x, **o: F.multi_margin_loss(x, classes(9, len(x)), **o),
        "multi_margin_loss, squares": lambda x, **o: F.multi_margin_loss(x, classes(9, len(x)), p=2, **o),
        "multilabel_margin_loss": lambda x, **o: F.multilabel_margin_loss(x, _labels(x), **o),
        "multilabel_soft_margin_loss": lambda x, **o: F.multilabel_soft_margin_loss(x, (x.detach() > 0).to(x.dtype), **o),
        "hinge_embedding_loss": lambda x, **o: F.hinge_embedding_loss(x, x.detach().sign(), **o),
    }
    images: Any = (((3, 9, 5, 7),), ((2, 9, 17, 19),))
    for reduction in ("none", "mean", "sum"):
        option = {"reduction": reduction}
        apart = {"batched": (0, 1)} if reduction == "none" else {}
        made += [Operation(f"{n}, {reduction}", partial(f, **option), two, **apart) for n, f in pairs.items()]
        made += [Operation(f"{n}, {reduction}", partial(f, **option), two, share, **apart) for n, f in shares.items()]
        made += [Operation(f"{n}, {reduction}", partial(f, **option), rows) for n, f in targets.items()]
        made.append(Operation(f"nll_loss, images, {reduction}", partial(_image_loss, **option), images, layouts=_NCHW))
    made += [
        Operation("cosine_embedding_loss", lambda a, b: F.cosine_embedding_loss(a, b, a.detach()[:, 0].sign()), two),
        Operation("triplet_margin_loss", F.triplet_margin_loss, (((17, 9), (17, 9), (17, 9)),)),
        Operation("margin_ranking_loss", lambda a, b: F.margin_ranking_loss(a, b, a.detach().sign()), two),
        Operation("ctc_loss", _ctc(False), (((50, 4, 20),),), dtypes=FULL),
        Operation("ctc_loss, lengths in tensors", _ctc(True), (((50, 4, 20),),), dtypes=FULL),
    ]
    return made


def _gaussian(x: Tensor, y: Tensor, **options: Any) -> Tensor:
    return F.gaussian_nll_loss(x, y, y.detach() + 0.5, **options)


def _labels(x: Tensor) -> Tensor:
    """Two different classes of each row, and then -1."""
    first = classes(4, len(x))
    labels = torch.full(x.shape, -1)
    labels[:, 0], labels[:, 1] = first, first + 3
    return labels


def _image_loss(x: Tensor, **options: Any) -> Tensor:
    return F.nll_loss(x, classes(9, x.shape[0], *x.shape[2:]), **options)


def _ctc(tensors: bool) -> Callable[[Tensor], Tensor]:
    def call(x: Tensor) -> Tensor:
        targets = classes(19, 4, 15) + 1
        lengths: Any = ([50, 40, 45, 50], [15, 10, 3, 7])
        if tensors:
            lengths = tuple(map(torch.tensor, lengths))
        return aten._ctc_loss.Tensor(F.log_softmax(x, 2), targets, *lengths)[0] if tensors else F.ctc_loss(F.log_softmax(x, 2), targets, *lengths)

    return call


def _places() -> list[Operation]:
    index, size = partial(classes, 11), 300
    rows: Any = (((11, 5), (size, 5)), ((11, 70), (size, 70)))

    def over(t: Tensor) -> Tensor:
        return index(len(t))[:, None].expand(t.shape)

    listed: dict[str, Callable[..., Any]] = {
        "index_add": lambda x, t: x.index_add(0, index(len(t)), t),
        "index_add, alpha": lambda x, t: x.index_add(0, index(len(t)), t, alpha=0.3),
        "index_add_": lambda x, t: x.clone().index_add_(0, index(len(t)), t),
        "index_add, columns": lambda x, t: x.mT.index_add(1, index(len(t)), t.mT),
        "scatter_add": lambda x, t: x.scatter_add(0, over(t), t),
        "scatter_add_, columns": lambda x, t: x.mT.clone().scatter_add_(1, over(t).mT, t.mT),
        **{f"scatter_reduce {how}": partial(lambda x, t, how: x.scatter_reduce(0, over(t), t, how), how=how)
           for how in ("sum", "mean", "prod", "amax", "amin")},
        "index_put": lambda x, t: x.index_put((index(len(t)),), t, accumulate=True),
        "index_put_": lambda x, t: x.clone().index_put_((index(len(t)),), t, accumulate=True),
        "put_": lambda x, t: x.clone().put_(index(len(t)), t[:, 0], accumulate=True),
    }  # fmt: skip
    made = [Operation(name, call, rows) for name, call in listed.items()]
    made += [Operation(f"index_reduce {how}", partial(lambda x, t, how: x.index_reduce(0, index(len(t)), t, how), how=how), rows, share, gradients=how != "prod")
             for how in ("prod", "mean", "amax")]  # fmt: skip
    made += [
        Operation(f"scatter_ {how}", partial(lambda x, t, how: x.clone().scatter_(0, over(t), t, reduce=how), how=how), rows, share, gradients=False)
        for how in ("add", "multiply")
    ]  # fmt: skip
    tokens = partial(classes, 97)
    weights: Any = (((97, 33),), ((97, 5),))
    made += [
        Operation("embedding", lambda w: F.embedding(tokens(40, 7), w), weights),
        Operation("embedding, padded", lambda w: F.embedding(tokens(40, 7), w, padding_idx=3, scale_grad_by_freq=True), weights),
        Operation("rows of an index", lambda w: w[tokens(40, 7)], weights),
        Operation("index_select", lambda w: w.index_select(0, tokens(300)), weights),
        Operation("gather", lambda w: w.gather(0, tokens(5, w.shape[1])), weights),
        Operation("take", lambda w: w.take(tokens(300)), weights),
        *(Operation(f"embedding_bag {mode}", partial(lambda w, mode: F.embedding_bag(tokens(40, 7), w, mode=mode), mode=mode), weights)
          for mode in ("sum", "mean", "max")),
        Operation("embedding_bag, weighted", lambda w, p: F.embedding_bag(tokens(40, 7), w, mode="sum", per_sample_weights=p), (((97, 33), (40, 7)),)),
        Operation("embedding_bag, forward only", lambda w: F.embedding_bag(tokens(40, 7), w), weights, gradients=False),
    ]  # fmt: skip
    return made


def _filled(module: nn.Module, x: Tensor) -> nn.Module:
    """With weights that are the same everywhere."""
    module = module.to(x.dtype)
    with torch.no_grad():
        for number, parameter in enumerate(module.parameters()):
            parameter.copy_(drawn(tuple(parameter.shape), f"weight {number}") * 0.25)
    return module


def _recurrent(kind: Any, packed: bool = False, **options: Any) -> Callable[[Tensor], Any]:
    def call(x: Tensor) -> Any:
        module = _filled(kind(x.shape[-1], 33, **options), x)
        given: Any = nn.utils.rnn.pack_padded_sequence(x, [9, 8, 8, 5, 2]) if packed else x
        y, state = module(given)
        return (y.data if packed else y, state, *_gradients(y.data if packed else y, module))

    return call


def _gradients(y: Tensor, module: nn.Module) -> list[Tensor]:
    """Of the weights."""
    if not y.requires_grad:
        return []
    to = torch.autograd.grad(y, list(module.parameters()), y.detach(), retain_graph=True, allow_unused=True)
    return [x for x in to if x is not None]


def _cell(kind: Any) -> Callable[[Tensor], Any]:
    return lambda x: _filled(kind(x.shape[-1], 19), x)(x)


def _attention_layer(x: Tensor) -> Any:
    layer = _filled(nn.MultiheadAttention(x.shape[-1], 4, batch_first=True), x)
    return layer(x, x, x)


def _encoder(x: Tensor) -> Any:
    layer = _filled(nn.TransformerEncoderLayer(x.shape[-1], 4, 37, dropout=0.1, batch_first=True), x)
    y = layer(x)
    return (y, *_gradients(y, layer))


def _models() -> list[Operation]:
    attended: Any = (((2, 3, 70, 16), (2, 3, 70, 16), (2, 3, 70, 16)), ((1, 2, 7, 20), (1, 2, 300, 20), (1, 2, 300, 20)))
    steps: Any = (((9, 5, 20),),)
    sdpa = F.scaled_dot_product_attention
    made = [
        Operation("attention", sdpa, attended, batched=(0, 1, 2)),
        Operation("attention, causal", partial(sdpa, is_causal=True), attended, batched=(0, 1, 2)),
        Operation("attention, scale", partial(sdpa, scale=0.3), attended[:1], batched=(0, 1, 2)),
        Operation("attention, mask", lambda q, k, v, m: sdpa(q, k, v, m), (((2, 3, 37, 16), (2, 3, 37, 16), (2, 3, 37, 16), (37, 37)),), batched=(0, 1, 2)),
        Operation("attention, dropout", partial(sdpa, dropout_p=0.3), attended[:1]),
        Operation("attention, shared heads", partial(sdpa, enable_gqa=True), (((2, 6, 9, 16), (2, 3, 9, 16), (2, 3, 9, 16)),), batched=(0, 1, 2)),
        Operation("MultiheadAttention", _attention_layer, (((3, 11, 20),),), batched=(0,)),
        Operation("TransformerEncoderLayer", _encoder, (((3, 11, 20),),)),
        Operation("dropout", F.dropout, (((7, 37),),)),
        Operation("Linear, no gradients", lambda x: _filled(nn.Linear(37, 19), x)(x), (((7, 37),),), gradients=False, batched=(0,)),
    ]  # fmt: skip
    for kind in (nn.LSTM, nn.GRU, nn.RNN):
        name = kind.__name__
        made += [
            Operation(name, _recurrent(kind), steps),
            Operation(f"{name}, no gradients", _recurrent(kind), steps, gradients=False),
            Operation(f"{name}, both ways, two layers", _recurrent(kind, num_layers=2, bidirectional=True), steps),
            Operation(f"{name}, packed", _recurrent(kind, packed=True), steps),
        ]
    made.append(Operation("LSTM, projected", _recurrent(nn.LSTM, proj_size=7), steps))
    made += [Operation(kind.__name__, _cell(kind), (((5, 20),),), batched=(0,)) for kind in (nn.LSTMCell, nn.GRUCell, nn.RNNCell)]
    return made


def _steps(make: Callable[[list[nn.Parameter]], Any], scheduler: Any = None) -> Callable[..., Any]:
    """Three steps of an optimizer."""

    def call(x: Tensor, y: Tensor, grad: Tensor) -> Any:
        parameters = [nn.Parameter(x.detach().clone()), nn.Parameter(y.detach().clone())]
        optimizer = make(parameters)
        grads = (grad.expand(x.shape), grad[0, 0] * y)

        def closure() -> Tensor:
            for parameter, one in zip(parameters, grads, strict=True):
                parameter.grad = (parameter.detach() * 0.5 + one).clone()
            return torch.stack([parameter.detach().square().sum() for parameter in parameters]).sum()

        for _ in range(3):
            optimizer.step(closure)
        states = [s for parameter in parameters for s in optimizer.state[parameter].values()]
        return [*(parameter.detach() for parameter in parameters), *(s for s in states if isinstance(s, Tensor))]

    return call


def _optimizers() -> list[Operation]:
    o = torch.optim
    listed: dict[str, Callable[[list[nn.Parameter]], Any]] = {}
    for way in ("fused", "foreach", "single"):
        option: dict[str, Any] = {"foreach": False} if way == "single" else {way: True}
        listed |= {
            f"Adam, {way}": partial(o.Adam, lr=0.01, weight_decay=0.1, amsgrad=True, **option),
            f"AdamW, {way}": partial(o.AdamW, lr=0.01, **option),
            f"SGD, {way}": partial(o.SGD, lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True, **option),
            f"Adagrad, {way}": partial(o.Adagrad, lr=0.1, weight_decay=0.1, **option),
        }
    for kind in ("RMSprop", "Adadelta", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop"):
        listed[kind] = getattr(o, kind)
    listed["LBFGS"] = partial(o.LBFGS, max_iter=4)
    shapes: Any = (((7, 37), (131,), (1, 1)), ((3, 5, 7), (5003,), (1, 1, 1)))
    made = []
    for name, make in listed.items():
        dtypes = FULL if name in ("LBFGS",) or name.startswith("Adagrad, fused") else (*FULL, torch.bfloat16)
        made.append(Operation(name, _steps(make), shapes[:1], positive, dtypes, gradients=False, layouts=("contiguous",)))
    return made


OPERATIONS = (
    *_convolutions(), *_norms(), *_pools(), *_losses(), *_places(), *_models(), *_optimizers(),
)  # fmt: skip
