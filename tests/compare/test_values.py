"""The element-wise difference, against struct and plain arithmetic."""

from __future__ import annotations

import math
import random
import struct
from array import array
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.compare import values
from samebits.compare.values import combine, compare_bytes, compare_loss, compare_values
from samebits.model.divergence import FAR, Difference
from samebits.record.values import Value

_NAN_A, _NAN_B = b"\x01\x00\xc0\x7f", b"\x02\x00\xc0\x7f"


def _f32(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def test_equal_bytes_do_not_differ() -> None:
    assert compare_bytes("float32", _f32(1, 2), _f32(1, 2), 2).differing == 0


def test_one_ulp_of_float32() -> None:
    a = struct.pack("<I", 0x3F800000)
    b = struct.pack("<I", 0x3F800001)
    found = compare_bytes("torch.float32", a, b, 1)
    assert (found.differing, found.elements, found.max_ulp) == (1, 1, 1)
    assert found.max_abs == pytest.approx(2**-23)


def test_the_two_zeros_differ_by_nothing() -> None:
    found = compare_bytes("float32", _f32(0.0), _f32(-0.0), 1)
    assert (found.differing, found.max_abs, found.max_ulp) == (1, 0.0, 0)


def test_payload_of_nan_is_a_difference_without_a_size() -> None:
    found = compare_bytes("float32", _NAN_A, _NAN_B, 1)
    assert (found.differing, found.max_abs, found.max_ulp) == (1, None, None)


def test_one_number_that_crosses_zero_does_not_make_values_unrelated() -> None:
    a, b = _f32(1.0, 2.0, 1e-9), _f32(1.0000002, 2.0000003, -1e-9)
    found = compare_bytes("float32", a, b, 3)
    assert (found.differing, found.far, found.related) == (3, 1, True)
    assert found.max_ulp is not None
    assert found.max_ulp > FAR
    assert not compare_bytes("float32", _f32(1.0, 2.0), _f32(-7.0, 0.5), 2).related
    assert combine([found, found]).far == 2


def test_an_infinity_has_no_number_in_json() -> None:
    found = compare_bytes("float64", struct.pack("<d", math.inf), struct.pack("<d", 1.0), 1)
    assert found.differing == 1
    assert found.max_abs is None


@pytest.mark.parametrize(
    ("dtype", "a", "b", "distance", "ulp"),
    [
        ("float16", struct.pack("<e", 1.0), struct.pack("<e", 1.5), 0.5, 512),
        ("bfloat16", b"\x80\x3f", b"\x81\x3f", 2**-7, 1),
        ("float64", struct.pack("<d", -1.0), struct.pack("<d", 1.0), 2.0, 2 * 0x3FF0000000000000),
        ("int8", b"\xff", b"\x01", 2.0, None),
        ("uint8", b"\xff", b"\x01", 254.0, None),
        ("int64", struct.pack("<q", -5), struct.pack("<q", 5), 10.0, None),
        ("bool", b"\x00", b"\x01", None, None),
        ("complex64", _f32(1, 2), _f32(4, 6), 5.0, 0x1000000),
        ("float8_e4m3fn", b"\x01", b"\x02", None, None),
    ],
)
def test_dtypes(dtype: str, a: bytes, b: bytes, distance: float | None, ulp: int | None) -> None:
    found = compare_bytes(dtype, a, b, 1)
    assert found.differing == 1
    assert found.max_abs == distance
    assert ulp is None or found.max_ulp is not None
    if dtype != "complex64":
        assert found.max_ulp == ulp


@given(st.lists(st.floats(width=32), min_size=1, max_size=60), st.data())
def test_counts_what_was_changed(numbers: list[float], data: st.DataObject) -> None:
    a = array("I", struct.pack(f"<{len(numbers)}f", *numbers))
    b = array("I", a)
    places = data.draw(st.sets(st.integers(0, len(numbers) - 1)))
    for place in places:
        b[place] ^= 1 << data.draw(st.integers(0, 31))
    found = compare_bytes("float32", a.tobytes(), b.tobytes(), len(numbers))
    assert found.differing == len(places)


def test_damaged_values_count_as_wholly_different() -> None:
    assert compare_bytes("float32", b"\x00" * 8, b"\x00" * 7, 2).differing == 2
    assert compare_bytes("nonsense", b"", b"", 0).differing == 0


def test_several_outputs_and_losses() -> None:
    one = compare_bytes("float32", _f32(1, 2), _f32(1, 4), 2)
    other = compare_bytes("bool", b"\x01", b"\x00", 1)
    assert combine([one, other]).differing == 2
    assert combine([one, other]).max_abs == 2.0
    found = compare_loss((1.0, _f32(1.0).hex()), (1.5, _f32(1.5).hex()))
    assert (found.max_abs, found.max_ulp) == (0.5, 1 << 22)
    assert compare_loss((1.0, "3c00"), (1.5, "3e00")).max_abs == 0.5
    assert compare_loss((None, "zz"), (None, "yy")).max_abs is None


def _reordered(shape: tuple[int, ...], a: bytes, b: bytes, dtype: str = "float32") -> bool:
    return compare_values(Value(dtype, shape, a), Value(dtype, shape, b)).reordered


@pytest.mark.parametrize(
    ("shape", "a", "b", "expected"),
    [
        ((4,), (1, 2, 3, 4), (4, 3, 2, 1), True),
        ((3, 2), (1, 2, 3, 4, 5, 6), (5, 6, 1, 2, 3, 4), True),
        ((2, 3), (1, 2, 3, 4, 5, 6), (1, 3, 2, 4, 6, 5), True),  # of the elements, where rows are others
        ((4,), (1, 2, 3, 4), (4, 3, 2, 5), False),
        ((4,), (1, 2, 3, 3), (1, 2, 2, 3), False),
        ((4,), (1, 2, 3, 4), (1, 2, 3, 4), False),
        ((4,), (1, 2, 2, 1), (2, 1, 2, 1), False),  # labels: of few different ones
        ((), (1,), (2,), False),
        ((0, 3), (), (), False),
        ((256, 1), range(256), reversed(range(256)), True),
        ((256, 1), range(256), range(1, 257), False),
    ],
)
def test_the_same_rows_in_another_order(
    shape: tuple[int, ...], a: Iterable[int], b: Iterable[int], expected: bool
) -> None:
    assert _reordered(shape, _f32(*a), _f32(*b)) is expected


@given(st.lists(st.binary(min_size=8, max_size=8), min_size=3, unique=True), st.randoms())
def test_any_permutation_is_one(rows: list[bytes], shuffler: random.Random) -> None:
    other = shuffler.sample(rows, len(rows))
    assert _reordered((len(rows), 2), b"".join(rows), b"".join(other)) is (rows != other)


def test_of_another_shape_or_too_many_rows_none_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = _f32(1, 2, 3), _f32(3, 2, 1)
    assert not compare_values(Value("float32", (3,), a), Value("float32", (3, 1), b)).reordered
    monkeypatch.setattr(values, "_MOST_PARTS", 2)
    assert not _reordered((3,), a, b)


def test_several_outputs_are_reordered_if_all_that_differ_are() -> None:
    moved, other, equal = (Difference(n, 3, None, None, n == 2) for n in (2, 1, 0))
    assert combine([moved, equal]).reordered
    assert not combine([moved, other]).reordered
    assert not combine([equal]).reordered
