"""The table: what it says of each operation, and when a row steps aside."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from inspect import signature

import pytest

from samebits._runtime.kernels import has_kernel
from samebits.determinism.overrides import exists
from samebits.model.operators import OPERATIONS, Operation, Recipe, Torch, Why
from samebits.ops.variants import schema_of

OURS = pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.schema)


@OURS
def test_every_row_has_a_function_of_the_operations_signature(row: Operation) -> None:
    function = getattr(import_module(f"samebits.ops.{row.file}"), row.function)
    if not exists(row):
        assert row.schema.startswith("torchvision::") or "lanczos" in row.schema  # which torch 2.11 has not
        return
    arguments = [argument.name for argument in schema_of(row.schema).arguments]
    assert list(signature(function).parameters) == arguments


@OURS
def test_every_variant_exists(row: Operation) -> None:
    if exists(row):
        for schema in row.variants:
            schema_of(schema)
            assert has_kernel(schema, "cpu")


def test_no_operation_has_two_rows() -> None:
    schemas = [schema for row in OPERATIONS for schema in (row.schema, *row.variants)]
    assert len(schemas) == len(set(schemas))


def test_a_row_steps_aside_where_torch_is_deterministic_itself() -> None:
    row = Operation("x", "aten::x", Why.ATOMICS, Torch.RAISES, Recipe.EXACT, until="2.16")
    for release in ("2.9.1", "2.13.0+cpu", "2.15.0a0+git1"):
        assert row.needed("cuda", release)
    assert not row.needed("cuda", "2.16.0")
    assert not row.needed("cpu", "2.13.0")
    assert not Operation("x", "aten::x", Why.ATOMICS, Torch.SLOW, Recipe.EXACT).needed("cuda", "2.13.0")


def test_it_is_read_without_torch() -> None:
    program = (
        "import sys; sys.modules['torch'] = None; from samebits.ops import OPERATIONS; print(len(OPERATIONS))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(OPERATIONS)
