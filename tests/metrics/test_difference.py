"""By how much two series differ, against definitions that share nothing with the code."""

from __future__ import annotations

import json
import math
import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.metrics.difference import Point, difference, ulps

from .made import series

NAN, INF = math.nan, math.inf
FLOATS = st.floats(allow_subnormal=True)
ODD = st.sampled_from(
    [0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 1.0, -1.0, 1.7976931348623157e308, -1e308, INF, -INF, NAN]
)
VALUES = ODD | FLOATS
SINGLES = st.floats(width=32, allow_nan=False, allow_infinity=False)
DOUBLES = st.floats(allow_nan=False, allow_infinity=False)


def ordinal(value: float, code: str) -> int:
    """The place of a number among all of its type, from its bits as a signed integer; both zeros are 0."""
    whole = {"f": "i", "d": "q"}[code]
    (bits,) = struct.unpack(f"<{whole}", struct.pack(f"<{code}", value))
    return bits if bits >= 0 else -(bits & ((1 << (8 * struct.calcsize(code) - 1)) - 1))


@given(SINGLES, SINGLES)
def test_float32_ulps_count_the_numbers_between(a: float, b: float) -> None:
    expected = abs(ordinal(a, "f") - ordinal(b, "f"))
    assert int(ulps(np.array([a]), np.array([b]), "float32")[0]) == expected


@given(DOUBLES, DOUBLES)
def test_float64_ulps_count_the_numbers_between(a: float, b: float) -> None:
    expected = abs(ordinal(a, "d") - ordinal(b, "d"))
    assert int(ulps(np.array([a]), np.array([b]), "float64")[0]) == expected


@pytest.mark.parametrize("start", [0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 1.0, -1.0, 1e300])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_ulps_are_walks_of_nextafter(start: float, count: int) -> None:
    end = start
    for _ in range(count):
        end = math.nextafter(end, INF)
    assert Point(0, start, end).ulp("float64") == Point(0, end, start).ulp("float64") == count
    single, last = np.float32(start if abs(start) < 1e38 else 1e30), np.float32(0)
    last = single
    for _ in range(count):
        last = np.nextafter(last, np.float32(INF))
    assert Point(0, float(single), float(last)).ulp("float32") == count


def test_the_farthest_numbers_of_a_type() -> None:
    """No overflow: the distance between the two ends of all float64 is more than an int64 holds."""
    top = 1.7976931348623157e308
    expected = 2 * ordinal(top, "d")
    assert expected > 1 << 63
    assert int(ulps(np.array([-top]), np.array([top]), "float64")[0]) == expected
    found = difference(series([top]), series([-top]))
    assert found.ulp == expected
    json.dumps(found.as_json(), allow_nan=False)


@given(st.lists(st.tuples(st.integers(-2, 5), VALUES), max_size=12),
       st.lists(st.tuples(st.integers(-2, 5), VALUES), max_size=12))  # fmt: skip
def test_it_is_symmetric(left: list[tuple[int, float]], right: list[tuple[int, float]]) -> None:
    """Whatever the order of the steps in both logs: the same distances, at the same steps."""
    a = series([value for _, value in left], [step for step, _ in left])
    b = series([value for _, value in right], [step for step, _ in right])
    one, two = difference(a, b), difference(b, a)
    assert one.only == two.only[::-1]
    for name in ("points", "differing", "ulp", "ulp_step", "growth", "identical"):
        assert getattr(one, name) == getattr(two, name), name
    for name in ("first", "largest", "relative", "uneven", "final"):
        x, y = getattr(one, name), getattr(two, name)
        assert (x is None) == (y is None), name
        if x is not None:
            assert (x.step, repr(x.a), repr(x.b)) == (y.step, repr(y.b), repr(y.a)), name
    for kind in ("relative", "absolute", "ulp"):
        for at in ("end", "every"):
            assert repr(one.apart(kind, at)) == repr(two.apart(kind, at))


def bits(value: float) -> bytes:
    return b"nan" if math.isnan(value) else struct.pack("<d", value)


@given(st.lists(st.tuples(VALUES, VALUES | st.none()), max_size=20))
def test_identical_is_that_every_paired_bit_agrees(pairs: list[tuple[float, float | None]]) -> None:
    """None: the second is the first.  The document is strict JSON, and the sentence one line."""
    a = [x for x, _ in pairs]
    b = [x if y is None else y for x, y in pairs]
    found = difference(series(a), series(b))
    unequal = [step for step, (x, y) in enumerate(zip(a, b, strict=True)) if bits(x) != bits(y)]
    assert found.identical == (not unequal)
    assert found.differing == len(unequal)
    assert (found.first.step if found.first else None) == (unequal[0] if unequal else None)
    json.dumps(found.as_json(), allow_nan=False)
    assert "\n" not in found.sentence()


@given(st.lists(st.tuples(DOUBLES, DOUBLES), min_size=1, max_size=12))
def test_the_largest_is_the_largest_of_all(pairs: list[tuple[float, float]]) -> None:
    """The absolute and the relative one, in exact arithmetic, but for the rounding of a difference."""
    found = difference(series([a for a, _ in pairs]), series([b for _, b in pairs]))
    gaps = [abs(a - b) for a, b in pairs]
    assert found.apart("absolute", "every")[0] == max(gaps)
    shares = [abs(Fraction(a) - Fraction(b)) / max(abs(Fraction(a)), abs(Fraction(b)))
              for a, b in pairs if a or b]  # fmt: skip
    if not any(map(math.isinf, gaps)):
        assert found.apart("relative", "every")[0] == pytest.approx(float(max(shares, default=0)), rel=1e-9)
    places = [abs(ordinal(a, "d") - ordinal(b, "d")) for a, b in pairs]
    far, step = found.apart("ulp", "every")
    assert far == float(max(places))
    if max(places):
        assert places[step] == max(places)


def test_the_step_of_the_most_ulps_is_not_that_of_the_largest_difference() -> None:
    """0.1 at a large value is fewer ulps than 1e-3 at a small one."""
    found = difference(series([1e6, 1e-3]), series([1e6 + 0.1, 2e-3]))
    assert found.largest is not None
    assert found.largest.step == 0
    assert found.apart("ulp", "every")[1] == 1


def test_nan_beside_nan_agrees_whatever_its_bits() -> None:
    other = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_0000_1234))[0]
    found = difference(series([NAN, 1.0]), series([other, 1.0]))
    assert found.identical
    assert found.sentence() == "identical to the bit, 2 values"


@pytest.mark.parametrize(("a", "b"), [(NAN, 1.0), (1.0, NAN), (INF, 1.0), (INF, -INF), (NAN, INF)])
@pytest.mark.parametrize("kind", ["relative", "absolute", "ulp"])
def test_what_is_no_number_beside_another_passes_no_tolerance(a: float, b: float, kind: str) -> None:
    found = difference(series([1.0, a]), series([1.0, b]))
    assert not found.identical
    for at in ("end", "every"):
        far, step = found.apart(kind, at)
        assert math.isnan(far)
        assert step == 1
    early = difference(series([a, 1.0]), series([b, 1.0]))
    assert early.apart(kind, "end") == (0.0, 1)
    assert math.isnan(early.apart(kind, "every")[0])


def test_infinities_of_one_sign_agree() -> None:
    assert difference(series([INF, -INF]), series([INF, -INF])).identical


def test_zeros_of_two_signs_differ_and_lie_nowhere_apart() -> None:
    found = difference(series([1.0, 0.0]), series([1.0, -0.0]))
    assert (found.identical, found.differing, found.ulp, found.largest) == (False, 1, 0, None)
    assert found.apart("absolute", "every") == (0.0, 0)
    assert found.sentence() == "differs from step 1 on in 1 of 2 values, equal to 0 ulp, at the end 0"


@pytest.mark.parametrize("steps", [2.5, 12.0, 40.0, 300.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_exponential_growth_is_recovered(steps: float, sign: int) -> None:
    """A difference that grows tenfold every so many steps, from 1e-9, also with ripples on it."""
    count = int(6 * steps)
    at = np.arange(count)
    gap = 1e-9 * 10 ** (at / steps)
    values = 2.0 + np.sin(at)
    found = difference(series(values), series(values + sign * gap))
    assert found.growth == pytest.approx(steps, rel=0.01)
    strided = difference(series(values, at * 50), series(values + sign * gap, at * 50))
    assert strided.growth == pytest.approx(50 * steps, rel=0.01)


@pytest.mark.parametrize(
    "gaps", [[1e-3] * 40, [10.0 ** -(n / 5) for n in range(40)], [0.0] * 30 + [1.0], [1e-6, 1e-3]]
)
def test_what_does_not_grow_has_no_growth(gaps: list[float]) -> None:
    """Steady, shrinking, one jump, and too few points to say."""
    assert difference(series([1.0] * len(gaps)), series([1.0 + gap for gap in gaps])).growth is None


def test_a_gap_that_is_no_float_has_no_growth() -> None:
    """Two finite values whose difference overflows: everything is said, nothing is NaN as a number."""
    found = difference(series([1e308] * 20), series([-1e308] * 20))
    assert found.growth is None
    json.dumps(found.as_json(), allow_nan=False)


def test_ulps_are_of_the_type_that_both_logs_have() -> None:
    a, b = [1.0], [1.0 + 2.0**-23]
    assert difference(series(a, dtype="float32"), series(b, dtype="float32")).ulp == 1
    assert difference(series(a, dtype="float32"), series(b)).ulp == 1 << 29


def test_digits_are_those_of_the_coarser_log() -> None:
    found = difference(series([0.125], digits=6), series([0.125], digits=4))
    assert found.digits == 4
    assert found.sentence() == "identical in the 4 digits that the log kept, 1 value"


@pytest.mark.parametrize(
    ("a", "b", "sentence"),
    [
        ([], [], "no step in common"),
        ([1.0] * 3, [1.0] * 3, "identical to the bit, 3 values"),
        ([1.0, 1.0], [1.0, math.nextafter(1.0, 2.0)],
         "differs from step 1 on in 1 of 2 values, equal to 1 ulp, at most 2.22e-16 at step 1, "
         "at the end 2.22e-16 (2.2e-14 %)"),
        ([1.0, 2.0], [2.0, 2.0],
         "differs from step 0 on in 1 of 2 values, at most 1 at step 0, at the end 0"),
        ([1.0, NAN], [1.0, 2.0], "differs from step 1 on in 1 of 2 values, at the end nan and 2"),
        ([2.0, 0.0], [2.0, 2.0],
         "differs from step 1 on in 1 of 2 values, at most 2 at step 1, at the end 2 (100 %)"),
    ],
)  # fmt: skip
def test_sentences(a: list[float], b: list[float], sentence: str) -> None:
    assert difference(series(a), series(b)).sentence() == sentence


def test_steps_of_a_run_that_was_resumed() -> None:
    """Step 1 was logged twice: each time is paired with its own, and the end is the last step."""
    steps = [0, 1, 2, 1, 2, 3]
    found = difference(series([5, 4, 3, 4, 3, 2], steps), series([5, 4, 3, 4.5, 3, 2], steps))
    assert (found.points, found.differing) == (6, 1)
    assert found.first is not None
    assert (found.first.step, found.first.a, found.first.b) == (1, 4.0, 4.5)
    assert found.final is not None
    assert found.final.step == 3
