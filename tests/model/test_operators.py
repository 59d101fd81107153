"""The table of nondeterministic operators: every one that a cause knows, and what replaces it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from tests.dispatched import Dispatched

from samebits.model.operators import (
    OPERATIONS,
    OPERATORS,
    Operation,
    _word,
    has_other_name,
    is_nondeterministic,
    plain_name,
    table_name,
)

#: A divergence at one of these is explained as a nondeterministic kernel: its verdict is what users rely on.
NAMES = """
_adaptive_avg_pool2d_backward _adaptive_avg_pool3d_backward _ctc_loss_backward _cudnn_ctc_loss
_deform_conv2d_backward _efficient_attention_backward _embedding_bag_backward _embedding_bag_dense_backward
_flash_attention_backward _index_put_impl_ _logcumsumexp _ps_roi_align_backward _ps_roi_pool_backward
_roi_align_backward _roi_pool_backward _scaled_dot_product_efficient_attention_backward
_scaled_dot_product_flash_attention_backward _unsafe_index_put _upsample_bicubic2d_aa_backward
_upsample_bilinear2d_aa_backward _upsample_lanczos2d_aa_backward adaptive_max_pool2d_backward
adaptive_max_pool3d_backward avg_pool3d_backward bincount ctc_loss_backward cudnn_grid_sampler_backward
cumprod cumprod_ cumsum cumsum_ deform_conv2d_backward embedding_dense_backward
fractional_max_pool2d_backward fractional_max_pool3d_backward grid_sampler_2d_backward
grid_sampler_3d_backward histc index_add index_add_ index_put index_put_ index_reduce index_reduce_
max_pool3d_with_indices_backward max_unpool2d max_unpool3d median nanmedian nll_loss2d_forward put put_
reflection_pad1d_backward reflection_pad3d_backward replication_pad1d_backward replication_pad2d_backward
replication_pad3d_backward scatter scatter_ scatter_add scatter_add_ scatter_reduce scatter_reduce_
upsample_bicubic2d_backward upsample_bilinear2d_backward upsample_linear1d_backward
upsample_trilinear3d_backward
"""


def test_the_names_that_a_cause_knows() -> None:
    names, rows = {operator.name for operator in OPERATORS}, {plain_name(row.schema) for row in OPERATIONS}
    assert names >= set(NAMES.split())
    assert names - set(NAMES.split()) <= rows  # replaced since


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("aten::index_put_.default", True),
        ("aten::index_put", True),
        ("torchvision::_roi_pool_backward", True),
        ("put_", True),
        ("aten::cumsum.out", True),
        ("aten::add_.Tensor", False),
        ("index_put of a user", False),
    ],
)
def test_names_with_and_without_library_and_overload(name: str, known: bool) -> None:
    assert is_nondeterministic(name) is known


def test_what_replaces_an_operator_is_a_row() -> None:
    schemas = {row.schema for row in OPERATIONS}
    assert {operator.replaced for operator in OPERATORS} == schemas | {""}
    assert {(operator.why, operator.replaced) for operator in OPERATORS} >= {
        (row.why, row.schema) for row in OPERATIONS
    }


def test_operators_are_operations_of_this_torch() -> None:
    """But for those of torchvision, a spelling that only an alert has, and what torch 2.11 has not."""
    there = {schema.name.partition("::")[2] for schema in torch._C._jit_get_all_schemas()}
    gone = {each.name for each in OPERATORS if each.name not in there and "roi_" not in each.name}
    assert gone - {"_upsample_lanczos2d_aa_backward"} <= {
        "ctc_loss_backward",
        "deform_conv2d_backward",
        "_deform_conv2d_backward",
    }


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.schema)
def test_a_row_is_read_as_it_was_written(row: Operation) -> None:
    assert Operation.read(json.loads(json.dumps(row.written()))) == row


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.schema)
def test_what_runs_an_operation_has_another_name_than_it(row: Operation) -> None:
    words = {_word(name) for name in row.run_by}
    assert len(words) == len(row.run_by)
    assert not words & {_word(name) for other in OPERATIONS for name in (other.schema, other.name)}


#: Public functions, and a call of each that has a gradient.
RUN_BY: dict[str, Any] = {
    "torch.index_select": lambda x: torch.index_select(x, 0, torch.tensor([0, 1, 1])),
    "torch.repeat_interleave": lambda x: torch.repeat_interleave(x, torch.tensor([2, 1, 1]), 0),
    "torch.gather": lambda x: torch.gather(x, 0, torch.tensor([[0, 1, 1]])),
    "torch.take_along_dim": lambda x: torch.take_along_dim(x, torch.tensor([[0, 1, 1]]), 0),
    "torch.take": lambda x: torch.take(x, torch.tensor([0, 1, 1])),
    "torch.Tensor.__getitem__": lambda x: x[torch.tensor([0, 1, 1])],
    "torch.as_strided": lambda x: torch.as_strided(x, (3, 2), (1, 1)),
    "torch.nn.AdaptiveLogSoftmaxWithLoss": lambda x: (
        torch.nn.AdaptiveLogSoftmaxWithLoss(3, 8, [2], 1.0)(x, torch.tensor([0, 1, 5])).loss
    ),
    "torch.nn.functional.gumbel_softmax": lambda x: torch.nn.functional.gumbel_softmax(x[0], hard=True),
    "torch.nn.LPPool3d": lambda x: torch.nn.LPPool3d(2, 1)(x[None, None]),
    "torch.nn.LocalResponseNorm": lambda x: torch.nn.LocalResponseNorm(2)(x[None, None]),
    "torch.stft": lambda x: torch.stft(x.flatten(), 4, window=torch.ones(4), return_complex=True).abs(),
    "torch.cummax": lambda x: torch.cummax(x, 0).values,
    "torch.cummin": lambda x: torch.cummin(x, 0).values,
    "torch.max": lambda x: torch.max(x, 0).values,
    "torch.min": lambda x: torch.min(x, 0).values,
    "torch.mode": lambda x: torch.mode(x, 0).values,
    "torch.quantile": lambda x: torch.quantile(x, 0.5, 0),
    "torch.nanquantile": lambda x: torch.nanquantile(x, 0.5, 0),
    "torch.prod": lambda x: torch.prod(x[:, :1] * 0, 0),
    "torch.msort": torch.msort,
    "torch.sort": lambda x: torch.sort(x).values,
    "torch.topk": lambda x: torch.topk(x, 2).values,
    "torch.kthvalue": lambda x: torch.kthvalue(x, 1).values,
    "torch.nn.Upsample": torch.nn.Upsample(scale_factor=2, mode="linear"),
    "torch.nn.UpsamplingBilinear2d": lambda x: torch.nn.UpsamplingBilinear2d(scale_factor=2)(x[None]),
    "torch.nn.AdaptiveAvgPool1d": torch.nn.AdaptiveAvgPool1d(2),
    "torch.nn.AdaptiveMaxPool1d": torch.nn.AdaptiveMaxPool1d(2),
}


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("aten.index_add.default", "index_add"),  # as torch prints it
        ("torch.ops.aten.index_add", "index_add"),
        ("torch.ops.torchvision.roi_align.default", "roi_align"),
        ("torchvision.ops.roi_align", "roi_align"),
        ("torch.nn.functional.adaptive_max_pool2d_with_indices", "adaptive_max_pool"),
        ("aten::max_pool3d_with_indices_backward.grad_input", "max_pool3d"),
        ("torch.nn.functional.max_pool2d_with_indices", None),
        ("torch.ops", None),
        ("aten.", None),
        ("", None),
    ],
)
def test_one_operation_in_every_spelling(name: str, row: str | None) -> None:
    assert table_name(name) == row


@pytest.mark.usefixtures("generators_restored")
@pytest.mark.parametrize("name", RUN_BY)
def test_what_a_function_of_another_name_runs(name: str) -> None:
    x = torch.arange(9.0).reshape(3, 3)
    x = (x[None] if name.startswith("torch.nn.Up") or "1d" in name else x).clone().requires_grad_()
    with Dispatched() as seen:
        RUN_BY[name](x).sum().backward()
    listed = table_name(name)
    rows = [row for row in OPERATIONS if row.name == listed]
    assert has_other_name(name)
    own = {schema.partition(".")[0] for row in rows for schema in (row.schema, *row.variants)}
    if listed in ("index_put", "put"):  # which run the row's operation on CUDA
        own.add(f"aten::{listed}")
    assert own.intersection(seen.names)
