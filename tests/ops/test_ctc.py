"""The backward of the CTC loss, through unmodified calls: right at every edge, in every split of the work."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.determinism.overrides import InstalledOverrides
from samebits.ops import OPERATIONS, ctc

ROWS = [row for row in OPERATIONS if row.file == "ctc"]


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_launch, "triton_for", lambda _: False)


def _draw(seed: int, times: int, items: int, size: int, dtype: torch.dtype = torch.float32) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return (
        torch.randn(times, items, size, generator=draw, dtype=torch.float64).mul(3).log_softmax(-1).to(dtype)
    )


def _labels(seed: int, items: int, longest: int, size: int, blank: int = 0) -> Tensor:
    """Labels other than the blank, few enough that neighbours are often alike."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, max(size - 1, 1), (items, longest), generator=draw)
    return labels + (labels >= blank)


def _gradient(log_probs: Tensor, *arguments: Any, **options: Any) -> Tensor:
    leaf = log_probs.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    loss = F.ctc_loss(leaf, *arguments, **{"reduction": "none", **options})
    draw = torch.Generator().manual_seed(1)
    weights = torch.rand(loss.shape, generator=draw, dtype=torch.float64).to(loss.dtype)
    (gradient,) = torch.autograd.grad(loss, leaf, weights)
    return gradient


def _both(log_probs: Tensor, *arguments: Any, **options: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Ours, PyTorch's, and PyTorch's in float64."""
    with InstalledOverrides(ROWS, "cpu"):
        ours = _gradient(log_probs, *arguments, **options)
    native = _gradient(log_probs, *arguments, **options)
    return ours, native, _gradient(log_probs.double(), *arguments, **options)


def _no_worse(ours: Tensor, native: Tensor, exact: Tensor) -> None:
    known = exact.isfinite()
    assert torch.equal(ours.isnan(), exact.isnan())
    off, theirs = (torch.where(known, got - exact, 0).abs().max().item() for got in (ours, native))
    assert off <= 2 * theirs + torch.finfo(ours.dtype).eps


def _enumerated(log_probs: Tensor, labels: list[int], blank: int) -> Tensor:
    """The gradient (T, C) of one item's loss from all alignments there are."""
    times, size = log_probs.shape
    paths = torch.cartesian_prod(*[torch.arange(size)] * times).view(-1, times)
    kept = []
    for path in paths.tolist():
        merged = [c for i, c in enumerate(path) if i == 0 or c != path[i - 1]]
        if [c for c in merged if c != blank] == labels:
            kept.append(path)
    chosen = F.one_hot(torch.tensor(kept), size).double()
    weight = (chosen * log_probs).sum((1, 2)).softmax(0)
    return log_probs.exp() - (weight[:, None, None] * chosen).sum(0)


@pytest.mark.parametrize(
    ("labels", "blank"), [([1, 2], 0), ([1, 1], 0), ([0, 2], 1), ([], 0), ([0, 0], 2), ([2], 1)]
)
def test_the_gradient_is_that_of_all_alignments(labels: list[int], blank: int) -> None:
    log_probs = _draw(5, 5, 1, 3, torch.float64)
    targets = torch.tensor([labels], dtype=torch.int64).view(1, -1)
    with InstalledOverrides(ROWS, "cpu"):
        leaf = log_probs.clone().requires_grad_()
        loss = F.ctc_loss(leaf, targets, [5], [len(labels)], blank=blank, reduction="sum")
        loss.backward()
    expected = _enumerated(log_probs[:, 0], labels, blank)
    assert torch.allclose(leaf.grad[:, 0], expected, rtol=0, atol=1e-14)  # type: ignore[index]


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**20),
    times=st.sampled_from([1, 2, 7, 31]),
    items=st.sampled_from([1, 3, 5]),
    size=st.sampled_from([2, 3, 11, 40]),
    longest=st.sampled_from([0, 1, 2, 6]),
    concatenated=st.booleans(),
    zero_infinity=st.booleans(),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    small=st.booleans(),
)
def test_any_lengths(
    seed: int,
    times: int,
    items: int,
    size: int,
    longest: int,
    concatenated: bool,
    zero_infinity: bool,
    dtype: torch.dtype,
    small: bool,
) -> None:
    draw = torch.Generator().manual_seed(seed)
    blank = int(torch.randint(size, (), generator=draw))
    given_lengths = torch.randint(0, times + 1, (items,), generator=draw).tolist()
    wanted = torch.randint(0, longest + 1, (items,), generator=draw).tolist()
    targets = _labels(seed, items, longest, size, blank)
    if concatenated:
        targets = torch.cat([row[:length] for row, length in zip(targets, wanted, strict=True)])
    arguments = targets, given_lengths, wanted
    options = {"blank": blank, "zero_infinity": zero_infinity}
    with pytest.MonkeyPatch.context() as patch:
        if small:
            patch.setitem(ctc.CHUNK, "cpu", 16)
        ours, native, exact = _both(_draw(seed, times, items, size, dtype), *arguments, **options)
    if dtype == torch.float64:
        assert torch.allclose(ours, native, rtol=0, atol=1e-10, equal_nan=True)
    else:
        _no_worse(ours, native, exact)


def _lengths(items: int, times: int, longest: int) -> tuple[list[int], list[int]]:
    return [times - i % 3 for i in range(items)], [max(longest - i % 4, 0) for i in range(items)]


def test_every_split_of_the_work_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    log_probs, targets = _draw(1, 40, 5, 9), _labels(1, 5, 8, 9)
    arguments = targets, *_lengths(5, 40, 8)
    with InstalledOverrides(ROWS, "cpu"):
        whole = _gradient(log_probs, *arguments)
        for states in (1, 7 * 5 * 19, 13 * 5 * 19):
            monkeypatch.setitem(ctc.CHUNK, "cpu", states)
            assert torch.equal(_gradient(log_probs, *arguments), whole)


@pytest.mark.parametrize("size", [5, 400])
def test_threads_do_not_matter(size: int) -> None:
    # More than 32768 elements in an operation, and no multiple of a vector: torch divides them among threads.
    log_probs, targets = _draw(2, 60, 37, size), _labels(2, 37, 29, size)
    arguments = targets, *_lengths(37, 60, 25)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            with InstalledOverrides(ROWS, "cpu"):
                found.append(_gradient(log_probs, *arguments, zero_infinity=True))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_an_item_does_not_depend_on_its_neighbours() -> None:
    log_probs, targets = _draw(3, 30, 4, 7), _labels(3, 4, 6, 7)
    given_lengths, wanted = _lengths(4, 30, 6)
    order = torch.tensor([2, 0, 3, 1])
    with InstalledOverrides(ROWS, "cpu"):
        whole = _gradient(log_probs, targets, given_lengths, wanted, reduction="sum")
        moved = _gradient(
            log_probs[:, order],
            targets[order],
            [given_lengths[i] for i in order],
            [wanted[i] for i in order],
            reduction="sum",
        )
    assert torch.equal(moved, whole[:, order])


def test_posteriors_that_the_scale_of_a_float_cannot_hold() -> None:
    """A model that says blank portable: the likelihood is below the smallest float64."""
    log_probs = torch.full((300, 1, 3), -12.0)
    log_probs[..., 0] = -1e-5
    targets = torch.tensor([[1, 2] * 40])
    ours, native, exact = _both(log_probs, targets, [300], [80])
    _no_worse(ours, native, exact)
    assert (ours[..., 1:].sum(-1) < 0).all()  # some 80 of 300 times are the labels'


def test_a_model_that_is_sure() -> None:
    log_probs = torch.full((50, 2, 6), -200.0)
    path = torch.randint(0, 6, (50, 2), generator=torch.Generator().manual_seed(0))
    log_probs.scatter_(2, path.unsqueeze(-1), 0.0)
    targets = _labels(9, 2, 12, 6)
    ours, native, exact = _both(log_probs, targets, [50, 50], [12, 9])
    _no_worse(ours, native, exact)


@pytest.mark.parametrize("zero_infinity", [False, True])
def test_an_impossible_item(zero_infinity: bool) -> None:
    """Three labels in two times: the loss is infinite.  Its neighbour is none the worse."""
    log_probs, targets = _draw(4, 6, 2, 5), torch.tensor([[1, 2, 3], [1, 2, 3]])
    arguments = targets, [2, 6], [3, 3]
    ours, native, exact = _both(log_probs, *arguments, zero_infinity=zero_infinity)
    _no_worse(ours, native, exact)
    assert ours[:, 1].isfinite().all()
    assert ours[:2, 0].isnan().all() != zero_infinity
    assert (ours[2:, 0] == 0).all()


def test_a_character_of_probability_zero_has_no_gradient() -> None:
    log_probs = _draw(6, 8, 1, 4)
    log_probs[:, :, 3] = -torch.inf
    with InstalledOverrides(ROWS, "cpu"):
        ours = _gradient(log_probs, torch.tensor([[1, 2]]), [8], [2])
    assert (ours[..., 3] == 0).all()
    assert ours.isfinite().all()


def test_nan_stays_in_its_item() -> None:
    log_probs, targets = _draw(7, 9, 2, 4), torch.tensor([[1, 2], [2, 3]])
    log_probs[4, 0, 0] = torch.nan
    with InstalledOverrides(ROWS, "cpu"):
        ours = _gradient(log_probs, targets, [9, 9], [2, 2])
    assert ours[:, 0].isnan().all()
    assert ours[:, 1].isfinite().all()


def test_memory_that_was_never_written_does_not_matter() -> None:
    log_probs, targets = _draw(8, 12, 3, 6), _labels(8, 3, 4, 6)
    lengths = [12, 7, 9], [4, 0, 2]
    loss, alpha = torch.ops.aten._ctc_loss(log_probs, targets, *lengths)
    found = []
    for garbage in (torch.nan, torch.inf, -torch.inf, 0.0, 3e38):
        alpha = alpha.clone()
        for item, (times, labels) in enumerate(zip(*lengths, strict=True)):
            alpha[item, times:] = garbage
            alpha[item, :, 2 * labels + 1 :] = garbage
        found.append(ctc._ctc_loss_backward(torch.ones(3), log_probs, targets, *lengths, loss, alpha, 0))
    assert all(torch.equal(gradient, found[0]) for gradient in found)
    assert found[0].isfinite().all()


LAYOUTS = [
    pytest.param(lambda x: x.transpose(0, 1).contiguous().transpose(0, 1), id="batch first"),
    pytest.param(lambda x: x.permute(2, 0, 1).contiguous().permute(1, 2, 0), id="characters first"),
    pytest.param(lambda x: x.repeat_interleave(2, 2)[..., ::2], id="strided"),
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: Any) -> None:
    log_probs, targets = _draw(11, 10, 3, 5), _labels(11, 3, 4, 5)
    arguments = targets, *_lengths(3, 10, 4)
    with InstalledOverrides(ROWS, "cpu"):
        expected = _gradient(log_probs, *arguments)
        found = _gradient(layout(log_probs), *arguments)
    assert torch.equal(found, expected)


def test_integer_types_and_tensors_of_lengths() -> None:
    log_probs, targets = _draw(12, 10, 3, 5), _labels(12, 3, 4, 5)
    given_lengths, wanted = _lengths(3, 10, 4)
    with InstalledOverrides(ROWS, "cpu"):
        expected = _gradient(log_probs, targets, given_lengths, wanted)
        tensors = torch.tensor(given_lengths), torch.tensor(wanted)
        assert torch.equal(_gradient(log_probs, targets.int(), *tensors), expected)
        leaf = log_probs.clone().requires_grad_()
        loss = torch.ops.aten._ctc_loss.Tensor(leaf, targets, *tensors)[0]
        weights = torch.rand(3, generator=torch.Generator().manual_seed(1), dtype=torch.float64).float()
        assert torch.equal(torch.autograd.grad(loss, leaf, weights)[0], expected)


def test_targets_are_padded_with_anything() -> None:
    log_probs, targets = _draw(13, 10, 2, 5), torch.tensor([[1, 2, 3], [4, 1, 2]])
    arguments = [10, 8], [3, 1]
    padded = targets.clone()
    padded[1, 1:] = -100
    with InstalledOverrides(ROWS, "cpu"):
        assert torch.equal(
            _gradient(log_probs, padded, *arguments), _gradient(log_probs, targets, *arguments)
        )


def test_one_sequence_without_a_batch() -> None:
    log_probs = _draw(14, 10, 1, 5)
    with InstalledOverrides(ROWS, "cpu"):
        expected = _gradient(log_probs, torch.tensor([[1, 2]]), [10], [2], reduction="sum")
        found = _gradient(log_probs[:, 0], torch.tensor([1, 2]), [10], [2], reduction="sum")
    assert torch.equal(found, expected[:, 0])


def test_other_types_are_left_to_torch() -> None:
    half = torch.zeros(4, 1, 3, dtype=torch.float16)
    arguments = torch.tensor([[1]]), [4], [1], torch.zeros(1), torch.zeros(1, 4, 3), 0
    assert ctc._ctc_loss_backward(torch.ones(1), half, *arguments) is NotImplemented


def test_a_second_derivative_is_refused_as_before() -> None:
    leaf = _draw(15, 6, 1, 4).requires_grad_()

    def second() -> None:
        loss = F.ctc_loss(leaf, torch.tensor([[1, 2]]), [6], [2])
        (gradient,) = torch.autograd.grad(loss, leaf, create_graph=True)
        gradient.sum().backward()

    with pytest.raises(RuntimeError) as native:
        second()
    with InstalledOverrides(ROWS, "cpu"), pytest.raises(RuntimeError) as ours:
        second()
    assert str(ours.value) == str(native.value)
