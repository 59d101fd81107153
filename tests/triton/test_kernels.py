"""No kernel without a test that compares its bits with those of plain torch; and none listed that is gone."""

from __future__ import annotations

import ast
from pathlib import Path

import samebits.arithmetic._triton
import samebits.ops._triton
import samebits.ops.primitives._triton
import samebits.random._triton

from .targets import kernels

#: The kernels that are launched, by module, and the test that compares their bits.
COMPARED = {
    "arithmetic._triton.elementwise": (
        ("_elementwise",),
        "test_arithmetic_elementwise",
        "test_bits_of_the_c_kernels",
    ),
    "arithmetic._triton.norms": (("_normalized",), "test_arithmetic_sums", "test_layer_norm"),
    "arithmetic._triton.products": (("_product",), "test_arithmetic_products", "test_matrices"),
    "arithmetic._triton.scans": (("_after", "_within"), "test_arithmetic_scans", "test_scans"),
    "arithmetic._triton.softmax": (("_with_rows",), "test_arithmetic_sums", "test_softmax"),
    "arithmetic._triton.sums": (("_chunks",), "test_arithmetic_sums", "test_sums"),
    "ops._triton.ctc": (("_posteriors",), "test_ctc", "test_the_kernel_gives_the_plain_bits"),
    "ops._triton.grid_sample": (("_backward",), "test_grid_sample", "test_bits_of_plain_torch"),
    "ops._triton.histogram": (("_histc",), "test_histogram", "test_counts_are_those_of_plain_torch"),
    "ops._triton.pad": (("_fold",), "test_pad", "test_bits_are_those_of_plain_torch"),
    "ops._triton.roi_align": (("_scatter",), "test_roi_align", "test_roi_align"),
    "ops._triton.select": (("_place",), "test_select", "test_indices_are_those_of_plain_torch"),
    "ops.primitives._triton.exact": (
        ("_add", "_largest", "_value"),
        "test_exact",
        "test_bits_of_plain_torch",
    ),
    "ops.primitives._triton.last_write": (
        ("_claim", "_write"),
        "test_last_write",
        "test_kernels_give_the_bits_of_plain_torch",
    ),
    "ops.primitives._triton.products": (("_walk",), "test_products", "test_the_same_bits"),
    "ops.primitives._triton.gather": (("_gather",), "test_gather", "test_bits"),
    "ops.primitives._triton.windows": (
        ("_averaged", "_chosen"),
        "test_pool",
        "test_adaptive_pools_of_planes",
    ),
    "random._triton.fill": (
        ("_run", "_scattered"),
        "test_random",
        "test_numbers_are_those_of_plain_torch_and_of_the_core",
    ),
}


def test_every_kernel_has_a_test_that_compares_its_bits() -> None:
    launched = (
        kernels(samebits.arithmetic._triton)
        | kernels(samebits.ops._triton)
        | kernels(samebits.ops.primitives._triton)
        | kernels(samebits.random._triton)
    )
    assert launched == {
        (f"samebits.{module}", name) for module, (names, _, _) in COMPARED.items() for name in names
    }
    for _, file, name in COMPARED.values():
        tree = ast.parse(Path(__file__).with_name(f"{file}.py").read_text("utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (file, name)
