"""Every operation that PyTorch has no deterministic kernel for, and what takes its place.

Data only: it is read without torch, by the command line and by the mode.  One row
an operation of the dispatcher; its function is looked up when the row is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Torch(StrEnum):
    """What PyTorch does on CUDA under `torch.use_deterministic_algorithms(True)`."""

    RAISES = "raises"
    SILENT = "nondeterministic, silently"
    SLOW = "deterministic, slower"


class Recipe(StrEnum):
    """How ours is made deterministic."""

    TAPS = "each input gathers its outputs, in a fixed order"
    EXACT = "exact integer sums, which have no order"
    LAST = "the last writer is found by an integer maximum"
    SORT = "stable sort, then a fixed order"
    ROWS = "rows of a fixed length, joined in order"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation and its replacement.

    Attributes:
        name: what its users call it, as in `except_=["grid_sample"]`; several operations may share it.
        schema: its name in the dispatcher, with the overload.
        file: of `samebits.ops`, and of `samebits.ops._triton`.
        torch: what PyTorch does.
        recipe: how ours is made deterministic.
        variants: other overloads (in place, `out=`) that are made of the same function.
        devices: where PyTorch's kernel is not deterministic.
        until: the first release of the library whose own kernel is deterministic; the row steps aside.
        since: the first version of samebits that replaces it.
    """

    name: str
    schema: str
    file: str
    torch: Torch
    recipe: Recipe
    variants: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("cuda",)
    until: str | None = None
    since: str = "0.1.0"

    @property
    def function(self) -> str:
        """The replacement's name in `file`; it has the schema's signature.

        It returns `NotImplemented` for arguments with which PyTorch's own kernel is deterministic.
        """
        return self.schema.partition("::")[2].replace(".", "_")

    def needed(self, device: str, release: str) -> bool:
        """Whether torch's own kernel is not deterministic on `device` ("cpu", "cuda") in `release`."""
        if self.torch is Torch.SLOW or device not in self.devices:
            return False
        return self.until is None or _release(release) < _release(self.until)


def _release(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: (2, 13) of "2.13.0a0+git1234"."""
    return tuple(int(part) for part in text.partition("+")[0].split(".")[:2])


def _backward(name: str, operation: str, file: str, torch: Torch, recipe: Recipe) -> Operation:
    """A row for a backward with an overload that writes into `grad_input`."""
    schema = f"aten::{operation}"
    return Operation(name, schema, file, torch, recipe, (f"{schema}.grad_input",))


_RESAMPLE = ("upsample_linear1d", "upsample_bilinear2d", "upsample_bicubic2d", "upsample_trilinear3d")
_ANTIALIAS = ("_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa", "_upsample_lanczos2d_aa")

OPERATIONS: tuple[Operation, ...] = (
    *(
        _backward("interpolate", f"{name}_backward", "resample", Torch.RAISES, Recipe.TAPS)
        for name in (*_RESAMPLE, *_ANTIALIAS)
    ),
    Operation("grid_sample", "aten::grid_sampler_2d_backward", "grid_sample", Torch.RAISES, Recipe.EXACT),
    Operation("grid_sample", "aten::grid_sampler_3d_backward", "grid_sample", Torch.RAISES, Recipe.EXACT),
    Operation("grid_sample", "aten::cudnn_grid_sampler_backward", "grid_sample", Torch.RAISES, Recipe.EXACT),
    *(
        Operation(
            "adaptive_avg_pool",
            f"aten::_adaptive_avg_pool{n}d_backward",
            "adaptive_pool",
            Torch.RAISES,
            Recipe.TAPS,
        )
        for n in (2, 3)
    ),
    *(
        _backward("adaptive_max_pool", f"adaptive_max_pool{n}d_backward", "adaptive_pool", torch, Recipe.TAPS)
        for n, torch in ((2, Torch.RAISES), (3, Torch.SILENT))
    ),
    _backward("avg_pool3d", "avg_pool3d_backward", "pool", Torch.RAISES, Recipe.TAPS),
    _backward("max_pool3d", "max_pool3d_with_indices_backward", "pool", Torch.RAISES, Recipe.TAPS),
    _backward("fractional_max_pool", "fractional_max_pool2d_backward", "pool", Torch.RAISES, Recipe.TAPS),
    _backward("fractional_max_pool", "fractional_max_pool3d_backward", "pool", Torch.RAISES, Recipe.TAPS),
    *(
        Operation(
            "max_unpool",
            f"aten::{name}",
            "unpool",
            Torch.RAISES,
            Recipe.LAST,
            variants=(f"aten::{name}.out",),
            devices=("cpu", "cuda"),
        )
        for name in ("max_unpool2d", "max_unpool3d")
    ),
    _backward("pad", "reflection_pad1d_backward", "pad", Torch.RAISES, Recipe.TAPS),
    _backward("pad", "reflection_pad3d_backward", "pad", Torch.RAISES, Recipe.TAPS),
    *(_backward("pad", f"replication_pad{n}d_backward", "pad", Torch.RAISES, Recipe.TAPS) for n in (1, 2, 3)),
    Operation(
        "scatter",
        "aten::scatter_.src",
        "scatter",
        Torch.SLOW,
        Recipe.LAST,
        variants=("aten::scatter.src", "aten::scatter.src_out"),
    ),
    Operation(
        "scatter",
        "aten::scatter_.reduce",
        "scatter",
        Torch.RAISES,
        Recipe.EXACT,
        variants=("aten::scatter.reduce", "aten::scatter.reduce_out"),
    ),
    Operation(
        "scatter_add",
        "aten::scatter_add_",
        "scatter",
        Torch.SLOW,
        Recipe.EXACT,
        variants=("aten::scatter_add", "aten::scatter_add.out"),
    ),
    Operation(
        "scatter_reduce",
        "aten::scatter_reduce_.two",
        "scatter",
        Torch.RAISES,
        Recipe.EXACT,
        variants=("aten::scatter_reduce.two", "aten::scatter_reduce.two_out"),
    ),
    Operation(
        "index_reduce",
        "aten::index_reduce_",
        "index",
        Torch.RAISES,
        Recipe.EXACT,
        variants=("aten::index_reduce", "aten::index_reduce.out"),
    ),
    Operation(
        "index_add",
        "aten::index_add_",
        "index",
        Torch.SLOW,
        Recipe.EXACT,
        variants=("aten::index_add", "aten::index_add.out"),
    ),
    Operation("index_put", "aten::_index_put_impl_", "index", Torch.SLOW, Recipe.EXACT),
    Operation("put", "aten::put_", "index", Torch.RAISES, Recipe.LAST, devices=("cpu", "cuda")),
    Operation("bincount", "aten::bincount", "histogram", Torch.RAISES, Recipe.EXACT),
    Operation("histc", "aten::histc", "histogram", Torch.RAISES, Recipe.EXACT, variants=("aten::histc.out",)),
    Operation(
        "nll_loss2d",
        "aten::nll_loss2d_forward",
        "loss",
        Torch.RAISES,
        Recipe.EXACT,
        variants=("aten::nll_loss2d_forward.output",),
    ),
    Operation("ctc_loss", "aten::_ctc_loss_backward", "ctc", Torch.RAISES, Recipe.EXACT),
    Operation("ctc_loss", "aten::_ctc_loss_backward.Tensor", "ctc", Torch.RAISES, Recipe.EXACT),
    Operation(
        "embedding_bag", "aten::_embedding_bag_dense_backward", "embedding_bag", Torch.RAISES, Recipe.EXACT
    ),
    Operation("median", "aten::median.dim_values", "select", Torch.RAISES, Recipe.SORT),
    Operation("median", "aten::nanmedian.dim_values", "select", Torch.RAISES, Recipe.SORT),
    Operation("cumprod", "aten::cumprod", "scan", Torch.SILENT, Recipe.ROWS),
    Operation("cumprod", "aten::cumprod_", "scan", Torch.SILENT, Recipe.ROWS),
    Operation("cumprod", "aten::cumprod.out", "scan", Torch.SILENT, Recipe.ROWS),
    Operation(
        "logcumsumexp",
        "aten::_logcumsumexp",
        "scan",
        Torch.SILENT,
        Recipe.ROWS,
        variants=("aten::_logcumsumexp.out",),
    ),
    Operation("roi_align", "torchvision::_roi_align_backward", "roi_align", Torch.RAISES, Recipe.EXACT),
    Operation("roi_pool", "torchvision::_roi_pool_backward", "roi_pool", Torch.RAISES, Recipe.EXACT),
    Operation("ps_roi_align", "torchvision::_ps_roi_align_backward", "roi_align", Torch.RAISES, Recipe.EXACT),
    Operation("ps_roi_pool", "torchvision::_ps_roi_pool_backward", "roi_pool", Torch.RAISES, Recipe.EXACT),
    Operation(
        "deform_conv2d", "torchvision::_deform_conv2d_backward", "deform_conv", Torch.RAISES, Recipe.EXACT
    ),
)
