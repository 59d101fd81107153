"""What is known of operations by name: the public name of an internal one, and which leave outputs unwritten.

PyTorch runs some public operations through internal ones; a reader looks for the public name in the
documentation.  Some kernels return auxiliary outputs (workspaces, per-bag sizes) whose memory they do
not wholly write; a difference there alone is none.
"""

from __future__ import annotations

from typing import Final

from samebits.model.events import Event

_PUBLIC: Final = {
    "aten::_index_put_impl_": "aten::index_put",
    "aten::_unsafe_index_put": "aten::index_put",
    "aten::_unsafe_index": "aten::index",
    "aten::_local_scalar_dense": "aten::item",
    "aten::_to_copy": "aten::to",
    "aten::_softmax": "aten::softmax",
    "aten::_log_softmax": "aten::log_softmax",
    "aten::_fused_adam_": "torch.optim.Adam (fused)",
    "aten::_fused_adamw_": "torch.optim.AdamW (fused)",
    "aten::_fused_sgd_": "torch.optim.SGD (fused)",
    "aten::_ctc_loss": "aten::ctc_loss",
    "aten::_embedding_bag": "aten::embedding_bag",
    "aten::_cat": "aten::cat",
    "aten::_unique2": "aten::unique",
}

_READS: Final = {"aten::_local_scalar_dense": "item", "aten::item": "item"}

#: Operations that return outputs besides the one the user asked for, some not wholly written.
AUXILIARY: Final = frozenset(
    {
        "aten::_embedding_bag",
        "aten::_embedding_bag_forward_only",
        "aten::mkldnn_rnn_layer",
        "aten::mkldnn_rnn_layer_backward",
        "aten::_cudnn_rnn",
        "aten::miopen_rnn",
        "aten::_thnn_fused_lstm_cell",
        "aten::_thnn_fused_gru_cell",
        "aten::native_batch_norm",
        "aten::cudnn_batch_norm",
        "aten::_native_batch_norm_legit",
        "aten::_batch_norm_with_update",
        "aten::batch_norm_with_update",
        "aten::_scaled_dot_product_flash_attention",
        "aten::_scaled_dot_product_flash_attention_for_cpu",
        "aten::_scaled_dot_product_efficient_attention",
        "aten::_scaled_dot_product_cudnn_attention",
        "aten::_flash_attention_forward",
        "aten::_efficient_attention_forward",
        "aten::_ctc_loss",
        "aten::fractional_max_pool2d",
        "aten::linalg_lu_factor_ex",
        "aten::_linalg_solve_ex",
    }
)

#: Operations that only carry values elsewhere: a snapshot of a tensor, not a step of a computation.
COPYING: Final = frozenset(
    {"aten::clone", "aten::copy_", "aten::_to_copy", "aten::contiguous", "aten::detach", "aten::alias"}
)


def base_name(name: str) -> str:
    """The operation without its overload: "aten::random_.from" -> "aten::random_"."""
    space, separator, rest = name.partition("::")
    return f"{space}{separator}{rest.split('.')[0]}" if separator else name


def public_name(event: Event) -> str:
    """What to call an event: the public operation, or what was observed ("parameter encoder.weight")."""
    if event.kind in ("op", "region", "collective"):
        return _PUBLIC.get(base_name(event.name), event.name)
    if event.kind in ("batch", "loss"):
        return event.kind
    if event.kind == "read":
        return "read " + _READS.get(base_name(event.name), event.name)
    return event.name if event.name.startswith(f"{event.kind} ") else f"{event.kind} {event.name}".rstrip()
