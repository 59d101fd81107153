"""Compiled code that would not ask the dispatcher is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch._inductor import config

from samebits.determinism.mode import deterministic
from samebits.errors import DeterminismError

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # importing the compiler


@pytest.fixture(autouse=True)
def fresh_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def double(x: torch.Tensor) -> torch.Tensor:
    return x * 2


def test_the_c_plus_plus_wrapper_that_is_already_asked_for() -> None:
    with (
        config.patch(cpp_wrapper=True),
        pytest.raises(DeterminismError, match=r"torch\.compile with cpp_wrapper calls"),
    ):
        deterministic(replace="all")
    assert not torch.are_deterministic_algorithms_enabled()


def test_it_is_no_matter_where_nothing_is_replaced() -> None:
    with config.patch(cpp_wrapper=True), deterministic(replace="none"):
        assert torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("way", ["options", "config"])
def test_the_c_plus_plus_wrapper_that_is_asked_for_later(way: str) -> None:
    options = {"cpp_wrapper": True} if way == "options" else None
    with deterministic(), config.patch(cpp_wrapper=way == "config"):
        compiled = torch.compile(double, options=options)
        with pytest.raises(Exception, match=r"torch\.compile with cpp_wrapper calls"):
            compiled(torch.ones(3))


def test_a_program_of_aotinductor() -> None:
    loader = torch._C._aoti.AOTIModelPackageLoader
    with (
        deterministic(),
        pytest.raises(DeterminismError, match="a program compiled by AOTInductor calls"),
    ):
        torch._inductor.aoti_load_package("model.pt2")
    assert torch._C._aoti.AOTIModelPackageLoader is loader
