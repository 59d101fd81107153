"""Which of torch's own kernels give the same floating point numbers everywhere.

Two kinds need no formula.  `EXACT`: the result is copied, compared, counted or sorted, or is rounded once by
an operation of IEEE 754 (or several times, where nothing can be fused: in `a * b / c` no product is added).
`COMPOSED`: the kernel only calls other operations through the dispatcher, so the parts decide.

An operation is named without its namespace `aten`, without its overload, and without the `_` of its in-place
form: `add_.Tensor` and `add.out` are `add`.  What is unlike its family is in `NOT`.  Forms that torch
generates, tagged so, call the form that somebody wrote.  An operation in neither set that has no formula is
not defined: one of a newer torch is refused until somebody has read it.

These are torch's kernels for CPUs; where those for CUDA differ a comment says so.  In part it was read in the
kernels' source, in part seen in profiles and by `tests/arithmetic/dispatched_bits.py`, which
compares instruction sets and numbers of threads: both can refute, not prove.  Complex numbers are not meant:
their products are sums.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import torch


class NativeResult(StrEnum):
    """What torch's own kernel of an operation gives."""

    EXACT = "the same everywhere"
    COMPOSED = "what its parts give"
    OTHER = "defined by a formula of ours, or not at all"


def kind(schema: str) -> NativeResult:
    """Of an operation with a kernel of its own, named as in the dispatcher: "aten::add_.Tensor"."""
    namespace, _, name = schema.partition("::")
    if namespace in EXACT_NAMESPACES:
        return NativeResult.EXACT
    if namespace in COMPOSED_NAMESPACES:
        return NativeResult.COMPOSED
    whole, _, overload = name.partition(".")
    plain = whole if whole.endswith("__") else whole.removesuffix("_")
    names = {name, whole, f"{plain}.{overload}", plain} if namespace == "aten" else {schema}
    if name in NOT:
        return NativeResult.OTHER
    if names & EXACT:
        return NativeResult.EXACT
    if names & COMPOSED or torch.Tag.generated in _tags(f"{namespace}::{whole}", overload):
        return NativeResult.COMPOSED
    return NativeResult.OTHER


def _tags(name: str, overload: str) -> list[torch.Tag]:
    found: tuple[object, object, list[torch.Tag]] | None = torch._C._get_operation_overload(name, overload)
    return found[2] if found else []


def _names(*lines: str) -> frozenset[str]:
    return frozenset(name for line in lines for name in line.split())


#: Memory, views and what is known of a tensor without its numbers.
_VIEWS = _names(
    "alias as_strided detach diagonal expand permute select slice slice_inverse split split_with_sizes",
    "squeeze t transpose unbind unfold unsqueeze view _reshape_alias _unsafe_view unsafe_split",
    "unsafe_split_with_sizes view_as_real _conj _neg_view _fw_primal _make_dual lift lift_fresh",
    "_lazy_clone set resize resize_as _resize_output is_pinned _pin_memory is_same_size is_set_to",
    "_has_same_storage_numel _nested_view_from_buffer _local_scalar_dense dense_dim sparse_dim",
    "is_coalesced _new_zeros_with_same_feature_meta sym_constrain_range sym_constrain_range_for_size",
    "_functional_sym_constrain_range _functional_sym_constrain_range_for_size _assert_async",
    "_functional_assert_async _assert_scalar _functional_assert_scalar _assert_tensor_metadata _print",
    "_make_dep_token",
)

#: Copies: each number of the result is one of the arguments'.
_COPIES = _names(
    "clone copy cat stack _stack _chunk_cat block_diag constant_pad_nd repeat roll flip rot90 tril triu",
    "diag_embed channel_shuffle native_channel_shuffle pixel_shuffle pixel_unshuffle im2col",
    "reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d",
    "replication_pad3d as_strided_scatter diagonal_scatter select_scatter slice_scatter diagonal_backward",
    "select_backward slice_backward _pack_padded_sequence lu_unpack from_file _nested_from_padded",
    "_nested_from_padded_and_nested_example to_padded_tensor _nested_tensor_from_mask",
    "_nested_tensor_from_mask_left_aligned _nested_tensor_from_tensor_list",
    "_nested_compute_contiguous_strides_offsets _jagged_to_padded_dense_forward",
    "_padded_dense_to_jagged_forward",
    # Views that are copied.
    "_conj_copy _fw_primal_copy _make_dual_copy _neg_view_copy _nested_get_values_copy",
    "_nested_view_from_buffer_copy _nested_view_from_jagged_copy _reshape_alias_copy _reshape_copy",
    "alias_copy as_strided_copy detach_copy diagonal_copy expand_copy lift_fresh_copy narrow_copy",
    "permute_copy select_copy slice_copy split_copy split_with_sizes_copy squeeze_copy t_copy",
    "transpose_copy unbind_copy unfold_copy unsqueeze_copy view_as_real_copy view_copy",
)

#: Conversions round once (float64 to a half: by way of float32, on every device).
_CONVERSIONS = _names("_to_copy copy _foreach_copy _conj_physical conj_physical")

#: Tensors of given numbers, and of whole numbers.
_CREATIONS = _names(
    "empty empty_like empty_permuted empty_strided new_empty new_empty_strided _efficientzerotensor fill",
    "full full_like new_full ones ones_like new_ones zeros zeros_like new_zeros zero scalar_tensor eye",
    "tril_indices triu_indices",
)

#: By index.  Of several writes to one place the last stays: on a CPU so it is here, and in `index_copy` under
#: torch's deterministic algorithms, which the mode turns on.
_INDEXED = _names(
    "index _unsafe_index index_select index_fill index_copy embedding gather take masked_fill",
    "masked_scatter masked_select nonzero nonzero_static where repeat_interleave scatter.src",
    "scatter.src_out scatter.value scatter.value_out max_unpool2d max_unpool3d",
)

#: Comparisons, choices and orders.  Which of equal values an index names: see `select` of `samebits.ops`.
_CHOICES = _names(
    "eq ne lt le gt ge equal isnan isinf isneginf isposinf isin signbit heaviside threshold nan_to_num",
    # `max.dim` and `min.dim`: the first of equal numbers.
    "max min argmax argmin all any _is_all_true _is_any_true cummax cummin _cummax_helper _cummin_helper",
    "kthvalue median nanmedian mode sort topk unique_consecutive unique_dim unique_dim_consecutive _unique",
    "_unique2 searchsorted bucketize count_nonzero",
    "max_pool2d_with_indices max_pool3d_with_indices adaptive_max_pool2d adaptive_max_pool3d",
    "fractional_max_pool2d fractional_max_pool3d",
    # The index is `floor(place * scale)`: one product of float32 numbers, which every device rounds alike.
    "upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d",
    "_upsample_nearest_exact2d _upsample_nearest_exact3d",
)

#: Whole numbers and truth values alone.
_INTEGERS = _names(
    "bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_left_shift bitwise_right_shift gcd lcm",
    "hash_tensor __lshift__ __rshift__ __ilshift__ __irshift__ logical_and logical_or logical_xor",
    "logical_not _int_mm",
)

#: One operation of IEEE 754 for each element, or none.  By a number CUDA does not divide, but multiplies by
#: its reciprocal: there `div` has rows.  `add` and `sub` have a factor, so they are formulas.  `sqrt` is one,
#: too: MKL's is not rounded correctly.
_ROUNDED_ONCE = _names(
    "abs neg sign sgn ceil floor round trunc frac copysign nextafter frexp angle mul div.Scalar",
    "div.Scalar_out div.Tensor div.out leaky_relu leaky_relu_backward hardshrink",
    "hardshrink_backward softshrink_backward hardtanh_backward threshold_backward",
    "_prelu_kernel _prelu_kernel_backward _amp_foreach_non_finite_check_and_unscale _amp_update_scale",
    # A quotient or two products: several roundings, and no product that is added.
    "nll_loss_backward nll_loss2d_backward",
)

#: Between processes: what is moved, not what is added up.
_MOVED = _names(
    "c10d::_allgather_base_ c10d::allgather_ c10d::allgather_coalesced_ c10d::alltoall_ c10d::alltoall_base_",
    "c10d::allgather_into_tensor_coalesced_ c10d::barrier c10d::broadcast_ c10d::check_for_nan c10d::gather_",
    "c10d::monitored_barrier_ c10d::recv_ c10d::recv_any_source_ c10d::scatter_ c10d::send",
    "_c10d_functional::all_gather_into_tensor _c10d_functional::all_gather_into_tensor_coalesced",
    "_c10d_functional::all_gather_into_tensor_out _c10d_functional::all_to_all_single",
    "_c10d_functional::batch_p2p_ops _c10d_functional::broadcast _c10d_functional::broadcast_",
    "_c10d_functional::irecv _c10d_functional::isend _c10d_functional::wait_tensor",
    "_c10d_functional_autograd::all_gather_into_tensor _c10d_functional_autograd::all_to_all_single",
    "_dtensor::shard_dim_alltoall symm_mem::_barrier symm_mem::_rendezvous",
)

EXACT: Final = frozenset().union(
    _VIEWS, _COPIES, _CONVERSIONS, _CREATIONS, _INDEXED, _CHOICES, _INTEGERS, _ROUNDED_ONCE, _MOVED
)

#: Kernels for every device (CompositeExplicitAutograd) that call others: aten/src/ATen/native.
_PLAIN = _names(
    # TensorFactories.cpp, SpectralOps.cpp: `arange.start_out`, `linspace.out`, `logspace.out` are formulas.
    "logspace logspace.Tensor_Tensor logspace.Tensor_Scalar logspace.Scalar_Tensor",
    "logspace.Tensor_Tensor_out logspace.Tensor_Scalar_out logspace.Scalar_Tensor_out",
    "arange arange.start arange.start_step linspace linspace.Tensor_Tensor linspace.Tensor_Scalar",
    "linspace.Scalar_Tensor linspace.Tensor_Tensor_out linspace.Tensor_Scalar_out",
    "linspace.Scalar_Tensor_out bartlett_window blackman_window hamming_window hann_window fft_fftfreq",
    "fft_rfftfreq",
    # BinaryOps.cpp, UnaryOps.cpp: a number is made a tensor.
    "add.Scalar sub.Scalar div.Scalar_mode floor_divide.Scalar fmod.Scalar fmod.Scalar_out remainder.Scalar",
    "remainder.Scalar_out remainder.Scalar_Tensor rsub deg2rad rad2deg ldexp",
    "special_xlog1py.self_scalar xlogy.Scalar_Self xlogy.Scalar_Other",
    "xlogy.OutScalar_Self xlogy.OutScalar_Other",
    # Activation.cpp: `celu` is `elu`; the gradient of `rrelu` is a product, or that of `leaky_relu`.
    "celu rrelu_with_noise_backward",
    # ReduceOps.cpp, LinearAlgebra.cpp, Linear.cpp, Distance.cpp, Convolution TBC.
    "logsumexp logcumsumexp norm dist allclose addbmm mv _trilinear _euclidean_dist conv_tbc",
    "_safe_softmax linear softmax log_softmax _grouped_mm _foreach_mm",
    "affine_grid_generator",
    # Loss.cpp: their elementwise parts are operations too, or `(a - b) * (a - b)`.
    "binary_cross_entropy_with_logits soft_margin_loss soft_margin_loss_backward mse_loss",
    "smooth_l1_loss_backward huber_loss_backward mse_loss_backward",
    # Indexing: by way of `_index_put_impl_`, `put_`, `index_select`.
    "index_put _unsafe_index_put _unsafe_masked_index _unsafe_masked_index_put_accumulate put",
    "masked_scatter_backward embedding_renorm _embedding_bag_backward",
    # Normalization.cpp.
    "_native_batch_norm_legit_no_training",
)

#: On a CPU the tensors of a list are taken one by one (ForeachOpsKernels.cpp).
_LISTS = _names(
    "_foreach_abs _foreach_acos _foreach_add _foreach_addcdiv _foreach_addcmul _foreach_asin",
    "_foreach_atan _foreach_ceil _foreach_clamp_max _foreach_clamp_min _foreach_clone _foreach_cos",
    "_foreach_cosh _foreach_div _foreach_erf _foreach_erfc _foreach_exp _foreach_expm1 _foreach_floor",
    "_foreach_frac _foreach_lerp _foreach_lgamma _foreach_log _foreach_log10 _foreach_log1p _foreach_log2",
    "_foreach_max _foreach_maximum _foreach_minimum _foreach_mul _foreach_neg _foreach_norm _foreach_pow",
    "_foreach_powsum _foreach_reciprocal _foreach_round _foreach_rsqrt _foreach_sigmoid _foreach_sign",
    "_foreach_sin _foreach_sinh _foreach_sqrt _foreach_sub _foreach_tan _foreach_tanh _foreach_trunc",
    "_foreach_zero",
)

COMPOSED: Final = _PLAIN | _LISTS

#: Made of the operations' own names: `prims::exp` calls `torch.exp`; what inductor adds.
COMPOSED_NAMESPACES: Final = _names("prims inductor")

#: No arithmetic.
EXACT_NAMESPACES: Final = _names("profiler debug_mode_ops")

#: Unlike their family.
NOT: Final = _names(
    # They compute `start + i * step`.
    "linspace.out logspace.out arange.start_out",
    # On a grid of powers of ten: a product, rounded, then a quotient.
    "round.decimals round_.decimals round.decimals_out",
    # Of zeros of both signs a vector keeps another than a loop does.
    "max max.unary_out min min.unary_out",
    # The kernel that `put` calls.
    "put_",
    # Elementwise kernels, which the functional form calls.
    "smooth_l1_loss_backward.grad_input huber_loss_backward.out mse_loss_backward.grad_input",
)
