"""The mode: what a scope sets, and that everything is as before however it ends."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, library

import samebits
from samebits.determinism import flag, mode, switches
from samebits.determinism.mode import NondeterminismWarning, deterministic
from samebits.errors import DeterminismError, UsageError

ENDINGS = ["with", "exception", "restore", "decorator", "generator closed"]


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    before = switches.snapshot()
    unpooled = native_unpool()
    yield
    assert not deterministic.stays.open
    assert switches.snapshot() == before
    assert native_unpool() == unpooled


def native_unpool() -> str:
    """What torch says of its own kernel under its own flag: gone while ours is installed."""
    enabled = torch.are_deterministic_algorithms_enabled()
    torch._C._set_deterministic_algorithms(True)
    try:
        unpool()
    except RuntimeError as error:
        return str(error)
    finally:
        torch._C._set_deterministic_algorithms(enabled)
    return "works"


def unpool() -> Tensor:
    return F.max_unpool2d(torch.ones(1, 1, 2, 2), torch.tensor([[[[0, 0], [5, 10]]]]), 2)


def end(how: str, **given: Any) -> dict[str, Any]:
    """Open a scope, look, end it in some way."""
    seen: dict[str, Any] = {}

    def look() -> None:
        seen.update(switches.snapshot(), unpooled=unpool())

    if how == "with":
        with deterministic(**given):
            look()
    elif how == "exception":
        with pytest.raises(ZeroDivisionError), deterministic(**given):
            _ = look() or 1 / 0
    elif how == "restore":
        scope = deterministic(**given)
        look()
        scope.restore()
        scope.restore()
    elif how == "decorator":
        deterministic(**given)(look)()
    else:

        def steps() -> Iterator[None]:
            with deterministic(**given):
                look()
                yield

        for _ in steps():
            break
    return seen


@pytest.mark.parametrize("how", ENDINGS)
def test_every_way_out(how: str) -> None:
    torch.backends.cudnn.benchmark = True
    try:
        seen = end(how, full_precision=True, threads=1, attention="math", fill_uninitialized_memory=False)
        assert torch.backends.cudnn.benchmark
    finally:
        torch.backends.cudnn.benchmark = False
    assert seen["algorithms"] == (True, False, True)
    assert (seen["cudnn_deterministic"], seen["cudnn_benchmark"]) == (True, False)
    assert seen["workspace"] == ":4096:8"
    assert seen["threads"] == 1
    assert seen["fill_uninitialized_memory"] is False
    assert seen["precision"] == switches.FULL_PRECISION | {"sums": seen["precision"]["sums"]}
    assert [sums[0] if isinstance(sums, tuple) else sums for sums in seen["precision"]["sums"]] == [False] * 3
    assert seen["attention"] == {"flash": False, "mem_efficient": False, "math": True, "cudnn": False}
    assert seen["unpooled"].flatten()[[0, 5, 10]].tolist() == [1, 1, 1]


@pytest.mark.parametrize("name", list(switches.SWITCHES))
def test_a_switch_that_the_block_moves_is_put_back(name: str) -> None:
    other = {
        "algorithms": (True, True, False),
        "cudnn_deterministic": False,
        "cudnn_benchmark": True,
        "fill_uninitialized_memory": False,
        "attention": switches.only_attention("flash"),
        "precision": switches.FULL_PRECISION,
        "threads": 1,
        "workspace": ":16:8",
    }
    before = switches.SWITCHES[name].read()
    with deterministic():
        inside = switches.SWITCHES[name].read()
        switches.apply({name: other[name]})
        assert switches.SWITCHES[name].read() != inside
    assert switches.SWITCHES[name].read() == before


@pytest.mark.parametrize("words", ["tf32 old", "tf32 new", "medium"])
def test_precision_is_put_back_whichever_interface_had_set_it(words: str) -> None:
    before = switches.snapshot()
    try:
        if words == "tf32 old":
            torch.backends.cuda.matmul.allow_tf32 = True
        elif words == "tf32 new":
            torch.backends.cuda.matmul.fp32_precision = "tf32"
        else:
            torch.set_float32_matmul_precision("medium")
        chosen = switches.snapshot()["precision"]
        assert chosen != before["precision"]
        with deterministic(full_precision=True):
            assert torch.get_float32_matmul_precision() == "highest"
        assert switches.snapshot()["precision"] == chosen
    finally:
        switches.apply({"precision": before["precision"]})


def test_what_is_not_given_is_as_outside() -> None:
    with deterministic("warn", threads=1, except_=["grid_sample"]):
        with deterministic(replace="all"):
            settings = mode.innermost()
            assert (settings.level, settings.threads, settings.replace) == ("warn", 1, "all")
            assert settings.except_ == {"grid_sample"}
            with deterministic("strict", except_=()):
                assert mode.innermost().except_ == frozenset()
                assert not torch.is_deterministic_algorithms_warn_only_enabled()
            assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert mode.innermost().replace == "needed"


@pytest.mark.parametrize("first_out", ["outer", "inner"])
def test_scopes_may_end_in_either_order(first_out: str) -> None:
    outer = deterministic(threads=1)
    inner = deterministic("warn")
    first, second = (outer, inner) if first_out == "outer" else (inner, outer)
    first.restore()
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled() == (first_out == "outer")
    second.restore()


def test_one_object_can_be_entered_again_and_twice() -> None:
    scope = deterministic()
    with scope:
        with scope:
            pass
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    with scope:
        assert torch.are_deterministic_algorithms_enabled()


def test_a_decorated_function_is_deterministic_only_while_it_runs() -> None:
    @deterministic(threads=1)
    def answer(value: int) -> tuple[int, bool]:
        """Doc."""
        return value, torch.are_deterministic_algorithms_enabled()

    assert not torch.are_deterministic_algorithms_enabled()
    assert answer(3) == (3, True)
    assert (answer.__name__, answer.__doc__) == ("answer", "Doc.")


def test_other_threads_see_the_scope() -> None:
    seen = []
    with deterministic():
        thread = threading.Thread(target=lambda: seen.append(unpool()))
        thread.start()
        thread.join()
    assert len(seen) == 1


def test_what_is_excepted_runs_in_torchs_kernel() -> None:
    values, index = torch.ones(1, 1, 2, 2), torch.tensor([[[[0, 0], [5, 10]]]])
    with deterministic(except_=["max_unpool"]):
        assert native_calls("max_unpool", lambda: F.max_unpool2d(values, index, 2)) == 1
        with deterministic(except_=[]):
            assert native_calls("max_unpool", lambda: F.max_unpool2d(values, index, 2)) == 0
        assert torch.are_deterministic_algorithms_enabled()


def native_calls(name: str, call: Any) -> int:
    """How often the flag is lifted, which only an excepted operation does."""
    count = 0
    original = flag.overlaid

    def counted(enabled: bool) -> Any:
        nonlocal count
        count += not enabled
        return original(enabled)

    flag.overlaid = counted
    try:
        call()
    finally:
        flag.overlaid = original
    return count


@pytest.mark.parametrize("word", ["max_unpool", "max_unpool2d", "aten::max_unpool2d", "torch.nn.MaxUnpool2d"])
def test_names_of_an_excepted_operation(word: str) -> None:
    with deterministic(except_=[word]):
        assert mode.innermost().except_ == {"max_unpool"}


@pytest.mark.parametrize(
    ("given", "kind", "says"),
    [
        ({"level": "loud"}, UsageError, "level is 'loud'; expected one of 'strict', 'warn'"),
        ({"replace": True}, UsageError, "expected one of 'needed', 'all', 'none'"),
        ({"attention": "fast"}, UsageError, "attention is 'fast'; expected one of 'math'"),
        ({"except_": "grid_sample"}, TypeError, r"expected a list: except_=\['grid_sample'\]"),
        ({"except_": ["grid_sampel"]}, UsageError, "did you mean 'grid_sample'"),
        ({"except_": ["torch.max"]}, UsageError, r"except_=\['scatter'\] leaves alone what 'torch.max' runs"),
        ({"except_": ["zzzz"]}, UsageError, "`samebits ops` lists them"),
        ({"threads": 0}, UsageError, "threads is 0; expected a whole number of 1 .. 4096"),
        ({"threads": 10**9}, UsageError, "threads is 1000000000; expected a whole number of 1 .. 4096"),
        ({"threads": 4097}, UsageError, "threads is 4097"),
        ({"threads": -1}, UsageError, "threads is -1"),
        ({"threads": 2.0}, TypeError, "threads is 2.0"),
        ({"threads": "2"}, TypeError, "threads is '2'"),
        ({"threads": True}, UsageError, "threads is True"),
        ({"full_precision": "yes"}, TypeError, "full_precision is 'yes'; expected True or False"),
    ],
)
def test_a_wrong_argument_changes_nothing(given: dict[str, Any], kind: type[Exception], says: str) -> None:
    before = switches.snapshot()
    with pytest.raises(kind, match=says):
        deterministic(**given)
    assert switches.snapshot() == before
    assert not deterministic.stays.open


def test_cuda_that_has_started_without_its_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with pytest.raises(DeterminismError, match="too late to set it"):
        deterministic()
    with pytest.warns(NondeterminismWarning, match="too late to set it"):
        deterministic("warn").restore()
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    with deterministic():
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_an_operation_that_nothing_can_be_done_about_is_explained() -> None:
    quantized = torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.qint8)
    with (
        pytest.raises(DeterminismError, match=r"quantized_resize_cpu_ is not deterministic") as caught,
        deterministic(),
    ):
        quantized.resize_(3)
    text = str(caught.value)
    assert f"({__file__}:" in text
    assert "level='warn'" in text
    assert isinstance(caught.value.__cause__, RuntimeError)
    with (
        pytest.warns(UserWarning, match="does not have a deterministic implementation"),
        deterministic("warn"),
    ):
        quantized.resize_(3)


def test_an_error_of_the_program_stays_its_own() -> None:
    with pytest.raises(RuntimeError, match="mine") as caught, deterministic():
        raise RuntimeError("mine")
    assert type(caught.value) is RuntimeError


def test_repr_rebuilds() -> None:
    with deterministic("warn", except_=["pad"]) as scope:
        assert repr(scope) == "deterministic(level='warn', except_=('pad',))"
        again = eval(repr(scope))  # noqa: S307  # it is our own text
        assert again.settings == scope.settings
        again.restore()


def test_it_is_public() -> None:
    assert samebits.deterministic is deterministic


def test_a_torch_that_cannot_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(library, "get_kernel")
    with pytest.raises(
        DeterminismError, match=r"install torch 2.11 or newer, or give deterministic\(replace='none'\)"
    ):
        deterministic()
    with deterministic(replace="none"):
        assert torch.are_deterministic_algorithms_enabled()


def test_an_accelerator_that_the_table_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("xpu"))
    with pytest.warns(NondeterminismWarning, match="on xpu torch's own switches are all there is"):
        deterministic().restore()


def test_empty_arguments_have_nothing_to_raise_for() -> None:
    none, places = torch.zeros(0), torch.zeros(0, dtype=torch.long)
    with deterministic():
        assert none.put_(places, torch.zeros(0)) is none


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: torch.zeros(3).put_(torch.tensor([0]), torch.ones(1, dtype=torch.int)), "dtype"),
        (lambda: torch.zeros(3).put_(torch.tensor([0, 1]), torch.ones(3)), "same number of elements"),
        (
            lambda: F.max_unpool2d(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 1, 1, dtype=torch.long), 2),
            "shape",
        ),
    ],
)
def test_wrong_arguments_get_torchs_own_words(call: Any, says: str) -> None:
    with pytest.raises(Exception, match=says) as plain:
        call()
    with deterministic(), pytest.raises(type(plain.value)) as ours:
        call()
    assert str(ours.value) == str(plain.value)


def test_a_second_block_after_cuda_has_started_in_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setattr(mode._workspaces, "_started", None)
    with deterministic():
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
    with deterministic():
        pass


def test_precision_is_handed_back_inside() -> None:
    before = switches.snapshot()["precision"]
    with deterministic(full_precision=True), deterministic(full_precision=False):
        assert switches.snapshot()["precision"] == before


def test_what_runs_after_its_call_is_no_function_to_decorate() -> None:
    def generator() -> Iterator[int]:
        yield 1

    async def coroutine() -> None: ...

    for function in (generator, coroutine, int):
        with pytest.raises(TypeError, match=r"write `with samebits\.deterministic\(\):` inside it"):
            deterministic()(function)
    with pytest.raises(TypeError, match=r"write @samebits\.deterministic\(\)"):
        deterministic(generator)


def test_decorating_inside_a_block_leaves_it_open() -> None:
    with deterministic() as scope:
        scope(unpool)
        assert torch.are_deterministic_algorithms_enabled()


def test_scopes_come_and_go_while_other_threads_run() -> None:
    faults = []
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            try:
                unpool()
            except RuntimeError as error:
                faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        with deterministic():
            unpool()
    ended.set()
    for thread in threads:
        thread.join()
    assert not faults
