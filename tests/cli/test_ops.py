"""`samebits ops`: the table, and whether operations are stable on this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from samebits.model.operators import OPERATIONS

from .conftest import Answer

Run = Callable[..., Answer]


def test_the_table_has_every_operation(samebits: Run) -> None:
    answer = samebits("ops")
    assert answer.code == 0
    for row in OPERATIONS:
        assert row.schema in answer.out


def test_json_of_some(samebits: Run) -> None:
    answer = samebits("ops", "grid_sample", "--json", "-")
    rows = json.loads(answer.out)["operations"]
    assert answer.code == 0
    assert {row["name"] for row in rows} == {"grid_sample"}
    assert {"schema", "torch", "recipe", "devices", "speed", "since", "until"} <= set(rows[0])


def test_it_needs_no_torch(samebits: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "samebits.determinism.check", raising=False)  # of another test
    assert samebits("ops", "pad").code == 0
    answer = samebits("ops", "pad", "--check")
    assert answer.code == 2
    assert "is not installed" in answer.err


def test_check_says_which_are_stable(samebits: Run) -> None:
    answer = samebits("ops", "max_unpool", "bincount", "--check", "--runs", "3", "--json", "-")
    found = json.loads(answer.out)["operations"]
    assert answer.code == 0
    assert {name for one in found for name in one["names"]} >= {"max_unpool", "bincount"}
    assert all(one["stable"] and one["samebits"] == 1 and one["runs"] == 3 for one in found)
    answer = samebits("ops", "index_put", "--check", "--runs", "2")
    assert "table[index]" in answer.out
    assert "stable with samebits" in answer.out


@pytest.mark.parametrize("fault", ["differs", "raises"])
def test_an_operation_that_is_not_stable(samebits: Run, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    import torch

    from samebits.ops import histogram

    original = histogram.bincount
    count = 0

    def broken(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        if fault == "raises":
            raise ValueError("broken")
        result = original(*args, **kwargs)
        return result if result is NotImplemented else result + torch.full((), count)

    monkeypatch.setattr(histogram, "bincount", broken)
    answer = samebits("ops", "bincount", "--check", "--runs", "3")
    assert answer.code == {"differs": 1, "raises": 2}[fault]
    assert {"differs": "NOT STABLE", "raises": "ValueError: broken"}[fault] in answer.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["grid"], "Or did you mean 'grid_sample'?"),
        (["--check", "--runs", "1"], "--runs"),
        (["--check", "--device", "tpu"], "not on 'tpu'"),
        (["--check", "--device", "cpu:x"], "not on 'cpu:x'"),
        (["--json", "grid_sample"], "--json takes the file to write, or -: --json - grid_sample"),
        (["--runs", "5"], "--runs belongs to --check"),
        (["--check", "--device", "cuda"], "no CUDA device is there"),
    ],
)
def test_wrong_words(samebits: Run, monkeypatch: pytest.MonkeyPatch, words: list[str], says: str) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    answer = samebits("ops", *words)
    assert answer.code == 2
    assert says in answer.err


def test_operations_of_a_library_that_is_not_there(samebits: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setattr("samebits.determinism.check.exists", lambda row: row.schema.startswith("aten::"))
    answer = samebits("ops", "roi_align", "--check")
    assert answer.code == 2
    assert "roi_align: not in this process; pip install torchvision" in answer.err


def test_the_dispatchers_names_are_known(samebits: Run) -> None:
    answer = samebits("ops", "aten::put_", "--json", "-")
    assert [row["name"] for row in json.loads(answer.out)["operations"]] == ["put"]


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("torch.nn.functional.grid_sample", "grid_sample"),
        ("F.pad", "pad"),
        ("torch.nn.AdaptiveAvgPool2d", "adaptive_avg_pool"),
        ("nn.CTCLoss", "ctc_loss"),
        ("torch.Tensor.index_add_", "index_add"),
        ("index_add_()", "index_add"),
    ],
)
def test_torchs_public_names_are_known(samebits: Run, word: str, name: str) -> None:
    answer = samebits("ops", word, "--json", "-")
    assert {row["name"] for row in json.loads(answer.out)["operations"]} == {name}


@pytest.mark.parametrize(
    ("word", "name"),
    [("upsample", "interpolate"), ("index_select", "index_add"), ("torch.gather", "scatter_add")],
)
def test_what_runs_an_operation_of_another_name(samebits: Run, word: str, name: str) -> None:
    """The words of the guides; CPU kernels of torch show below which operation each runs."""
    answer = samebits("ops", word)
    assert answer.code == 0
    assert f"{word} is listed as {name}, which it runs, forward or backward." in answer.out


def test_an_operation_without_a_row(samebits: Run) -> None:
    assert "PyTorch's own deterministic kernel is used for it" in samebits("ops", "torch.cumsum").err
    answer = samebits("ops", "torch.nn.UpsamplingNearest2d")
    assert answer.code == 2
    assert "the table has no 'torch.nn.UpsamplingNearest2d': an operation without a row is left" in answer.err
    assert "Or did you mean 'deform_conv2d'?" in samebits("ops", "conv2d").err


def test_help_says_what_the_table_holds(samebits: Run) -> None:
    assert "What has no row is left to PyTorch" in " ".join(samebits("ops", "--help").out.split())
