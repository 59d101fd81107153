"""Cases of losses, and of sums in places."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from tests.arithmetic.cases import FULL, Operation, drawn, share
from torch import Tensor
from torch.nn import functional as F

aten = torch.ops.aten


def classes(count: int, *shape: int) -> Tensor:
    """Whole numbers below `count`, the same everywhere."""
    return (drawn(shape, "classes").abs() * 1000).to(torch.int64) % count


def _losses() -> list[Operation]:
    rows: Any = (((70, 9),), ((5, 300),))
    two: Any = (((70, 9), (70, 9)), ((5, 300), (5, 300)))
    made = []
    pairs = {
        "mse_loss": F.mse_loss,
        "l1_loss": F.l1_loss,
        "smooth_l1_loss": partial(F.smooth_l1_loss, beta=0.7),
        "huber_loss": partial(F.huber_loss, delta=0.7),
        "soft_margin_loss": lambda x, y, **o: F.soft_margin_loss(x, y.detach(), **o),
        "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
        "poisson_nll_loss": F.poisson_nll_loss,
    }
    shares = {"binary_cross_entropy": F.binary_cross_entropy, "kl_div": F.kl_div, "gaussian": _gaussian}
    targets: dict[str, Callable[..., Any]] = {
        "nll_loss": lambda x, **o: F.nll_loss(
            x, classes(9, len(x)), x.detach()[0].abs(), ignore_index=3, **o
        ),
        "cross_entropy": lambda x, **o: F.cross_entropy(x, classes(9, len(x)), **o),
        "cross_entropy, smoothed": lambda x, **o: F.cross_entropy(
            x, classes(9, len(x)), label_smoothing=0.1, **o
        ),
        "multi_margin_loss": lambda x, **o: F.multi_margin_loss(x, classes(9, len(x)), **o),
        "multi_margin_loss, squares": lambda x, **o: F.multi_margin_loss(x, classes(9, len(x)), p=2, **o),
        "multilabel_margin_loss": lambda x, **o: F.multilabel_margin_loss(x, _labels(x), **o),
        "multilabel_soft_margin_loss": lambda x, **o: F.multilabel_soft_margin_loss(
            x, (x.detach() > 0).to(x.dtype), **o
        ),
        "hinge_embedding_loss": lambda x, **o: F.hinge_embedding_loss(x, x.detach().sign(), **o),
    }
    images: Any = (((3, 9, 5, 7),), ((2, 9, 17, 19),))
    for reduction in ("none", "mean", "sum"):
        option = {"reduction": reduction}
        apart = {"batched": (0, 1)} if reduction == "none" else {}
        made += [Operation(f"{n}, {reduction}", partial(f, **option), two, **apart) for n, f in pairs.items()]
        made += [
            Operation(f"{n}, {reduction}", partial(f, **option), two, share, **apart)
            for n, f in shares.items()
        ]
        made += [Operation(f"{n}, {reduction}", partial(f, **option), rows) for n, f in targets.items()]
        made.append(
            Operation(
                f"nll_loss, images, {reduction}",
                partial(_image_loss, **option),
                images,
                layouts=("contiguous", "channels_last", "strided"),
            )
        )
    made += [
        Operation(
            "cosine_embedding_loss", lambda a, b: F.cosine_embedding_loss(a, b, a.detach()[:, 0].sign()), two
        ),
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
        return (
            aten._ctc_loss.Tensor(F.log_softmax(x, 2), targets, *lengths)[0]
            if tensors
            else F.ctc_loss(F.log_softmax(x, 2), targets, *lengths)
        )

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
        **{
            f"scatter_reduce {how}": partial(lambda x, t, how: x.scatter_reduce(0, over(t), t, how), how=how)
            for how in ("sum", "mean", "prod", "amax", "amin")
        },
        "index_put": lambda x, t: x.index_put((index(len(t)),), t, accumulate=True),
        "index_put_": lambda x, t: x.clone().index_put_((index(len(t)),), t, accumulate=True),
        "put_": lambda x, t: x.clone().put_(index(len(t)), t[:, 0], accumulate=True),
    }
    made = [Operation(name, call, rows) for name, call in listed.items()]
    made += [
        Operation(
            f"index_reduce {how}",
            partial(lambda x, t, how: x.index_reduce(0, index(len(t)), t, how), how=how),
            rows,
            share,
            gradients=how != "prod",
        )
        for how in ("prod", "mean", "amax")
    ]
    made += [
        Operation(
            f"scatter_ {how}",
            partial(lambda x, t, how: x.clone().scatter_(0, over(t), t, reduce=how), how=how),
            rows,
            share,
            gradients=False,
        )
        for how in ("add", "multiply")
    ]
    tokens = partial(classes, 97)
    weights: Any = (((97, 33),), ((97, 5),))
    made += [
        Operation("embedding", lambda w: F.embedding(tokens(40, 7), w), weights),
        Operation(
            "embedding, padded",
            lambda w: F.embedding(tokens(40, 7), w, padding_idx=3, scale_grad_by_freq=True),
            weights,
        ),
        Operation("rows of an index", lambda w: w[tokens(40, 7)], weights),
        Operation("index_select", lambda w: w.index_select(0, tokens(300)), weights),
        Operation("gather", lambda w: w.gather(0, tokens(5, w.shape[1])), weights),
        Operation("take", lambda w: w.take(tokens(300)), weights),
        *(
            Operation(
                f"embedding_bag {mode}",
                partial(lambda w, mode: F.embedding_bag(tokens(40, 7), w, mode=mode), mode=mode),
                weights,
            )
            for mode in ("sum", "mean", "max")
        ),
        Operation(
            "embedding_bag, weighted",
            lambda w, p: F.embedding_bag(tokens(40, 7), w, mode="sum", per_sample_weights=p),
            (((97, 33), (40, 7)),),
        ),
        Operation(
            "embedding_bag, forward only",
            lambda w: F.embedding_bag(tokens(40, 7), w),
            weights,
            gradients=False,
        ),
    ]
    return made


OPERATIONS = (*_losses(), *_places())
