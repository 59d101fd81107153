"""The table of nondeterministic operators: every one that a cause knows, and what replaces it."""

from __future__ import annotations

import json

import pytest
import torch

from samebits.model.operators import OPERATIONS, OPERATORS, Operation, is_nondeterministic, plain_name

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
