"""The word over what runs logged, its exit status, and the sentence that goes with it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.errors import UsageError
from samebits.metrics import MetricLog, MetricsVerdict, Tolerance, compare_metrics
from samebits.metrics.verdict import LastValues

from .made import log, series

NAN, INF = math.nan, math.inf
FALLING = [2.0, 1.5, 1.25, 1.0]


def nudged(values: list[float], at: int, by: float) -> list[float]:
    return [value + by if place == at else value for place, value in enumerate(values)]


def judged(*values: Any, within: str | None = None, **more: Any) -> MetricsVerdict:
    """The verdict over logs of one metric."""
    logs = [log(name, loss=given) for name, given in zip("abcdefgh", values, strict=False)]
    return compare_metrics(logs, within=None if within is None else Tolerance.parse(within), **more)


def word(verdict: MetricsVerdict) -> tuple[str, int]:
    json.dumps(verdict.as_json(), allow_nan=False)
    assert verdict.headline
    assert verdict._repr_html_()
    return verdict.verdict, verdict.exit_status


def test_identical() -> None:
    verdict = judged(FALLING, list(FALLING))
    assert word(verdict) == ("same", 0)
    assert verdict.headline == "every value agrees: 1 metric of 2 logs (CSV), 4 values"
    assert verdict.first is None


def test_one_bit() -> None:
    verdict = judged(FALLING, nudged(FALLING, 2, 2.0**-52))
    assert word(verdict) == ("diverged", 1)
    assert verdict.headline == "loss differs first, at step 2"


def test_the_sign_of_a_zero_is_a_bit() -> None:
    assert word(judged([0.0], [-0.0])) == ("diverged", 1)
    assert word(judged([0.0], [-0.0], within="0")) == ("within", 0)


@pytest.mark.parametrize(
    ("a", "b", "within", "passes"),
    [
        (100.0, 99.0, "1%", True),
        (100.0, 98.99, "1%", False),
        (-100.0, -99.0, "1%", True),
        (1.0, 1.25, "0.25", True),
        (1.0, math.nextafter(1.25, 2), "0.25", False),
        (1.0, 1.0 + 4 * 2.0**-52, "4ulp", True),
        (1.0, 1.0 + 5 * 2.0**-52, "4ulp", False),
        (0.0, 5e-324, "1ulp", True),
        (-5e-324, 5e-324, "1ulp", False),
        (-5e-324, 5e-324, "2ulp", True),
        (1.0, -1.0, "200%", True),
        (1.0, NAN, "1000%", False),
        (INF, 1.0, "1000000000ulp", False),
        (INF, -INF, "1000", False),
    ],
)
@pytest.mark.parametrize("at", ["end", "every"])
def test_just_inside_and_just_outside(a: float, b: float, within: str, passes: bool, at: Any) -> None:
    verdict = judged([7.0, a], [7.0, b], within=within, at=at)
    assert word(verdict) == (("within", 0) if passes else ("diverged", 1))
    assert word(judged([7.0, b], [7.0, a], within=within, at=at)) == word(verdict)


def test_end_and_every() -> None:
    """A bump in the middle passes at the end alone, and what is said names its step."""
    a, b = FALLING, nudged(FALLING, 1, 0.5)
    assert word(judged(a, b, within="1%")) == ("within", 0)
    verdict = judged(a, b, within="1%", at="every")
    assert word(verdict) == ("diverged", 1)
    assert verdict.headline == "1 of 1 metrics not within 1 % at every step"
    assert verdict.metrics[0].why == "25 % at step 1, more than 1 %"


def test_the_words_do_not_say_that_a_number_is_more_than_itself() -> None:
    verdict = judged([100.0], [98.9999], within="1%")
    assert verdict.metrics[0].why == "1.0001 % at step 0, more than 1 %"
    verdict = judged([1.0], [2.0 + 1e-9], within="1")
    assert verdict.metrics[0].why == "a little farther at step 0, more than 1"


@pytest.mark.parametrize(
    ("mine", "others", "within", "passes"),
    [
        (3.0, [1.0, 2.0, 3.0], "1sd", True),
        (3.001, [1.0, 2.0, 3.0], "1sd", False),
        (1.0, [1.0, 2.0, 3.0], "1sd", True),
        (0.999, [1.0, 2.0, 3.0], "1sd", False),
        (0.1, [0.1, 0.1, 0.1], "0sd", True),
        (math.nextafter(0.1, 1), [0.1] * 3, "100sd", False),
        (NAN, [1.0, 2.0, 3.0], "9sd", False),
        (1.0, [1.0, NAN, 3.0], "9sd", False),
        (INF, [1.0, 2.0, INF], "9sd", False),
        (1e308, [1e308, -1e308, 1e308], "2sd", True),
    ],
)
def test_standard_deviations(mine: float, others: list[float], within: str, passes: bool) -> None:
    """A set that does not vary allows its one value alone; what is no number lies nowhere."""
    verdict = judged([9.0, mine], *([9.5 - n, value] for n, value in enumerate(others)), within=within)
    assert word(verdict) == (("within", 0) if passes else ("diverged", 1))


def test_standard_deviations_in_words() -> None:
    verdict = judged([1.0], [2.0], [2.0], [2.0], within="2sd")
    assert verdict.metrics[0].why == "1 is not 2, from which no other run differs"
    verdict = judged([9.0], [1.0], [2.0], [3.0], within="2sd")
    assert verdict.metrics[0].why == "9 lies 7 sd from their mean 2, more than 2 sd"
    assert verdict.tolerance == "2 sd of the further runs' last values"


def test_standard_deviations_are_asked_at_one_step() -> None:
    """The first run stopped early; the others went on falling.  It is not far from them, it is shorter."""
    verdict = judged([2.0, 1.0], [2.1, 1.1, 0.1], [2.2, 0.9, 0.2], [2.3, 1.05, 0.12], within="2sd")
    assert word(verdict) == ("incomplete", 2)
    assert verdict.metrics[0].spread.values == (1.1, 0.9, 1.05)


@pytest.mark.parametrize("runs", [2, 3])
def test_too_few_for_standard_deviations(runs: int) -> None:
    with pytest.raises(UsageError, match="needs a set of at least 3 runs after the one"):
        judged(*[[1.0]] * runs, within="2sd")


def test_standard_deviations_at_every_step_are_refused() -> None:
    with pytest.raises(UsageError, match="leave out --at every"):
        judged(*[[1.0]] * 4, within="2sd", at="every")


def test_fewer_than_two() -> None:
    with pytest.raises(UsageError, match="needs at least two logs, and 1 were given"):
        judged([1.0])


def test_a_metric_of_one_log_alone_is_named() -> None:
    verdict = compare_metrics([log("a", loss=[1.0], extra=[1.0]), log("b", loss=[1.0])])
    assert word(verdict) == ("incomplete", 2)
    assert verdict.headline == "what all have agrees; extra is in a alone"
    assert verdict.notes == ("not in every log, so not compared: extra (in a)",)
    assert verdict.alone == {"extra": ("a",)}


def test_no_metric_in_common() -> None:
    verdict = compare_metrics([log("a", loss=[1.0]), log("b", accuracy=[1.0])])
    assert word(verdict) == ("incomplete", 2)
    assert verdict.headline == "the logs have no metric in common"
    assert word(compare_metrics([log("a"), log("b")])) == ("incomplete", 2)


def test_no_step_in_common() -> None:
    verdict = judged(series([1.0], [0]), series([1.0], [5]))
    assert word(verdict) == ("incomplete", 2)
    assert verdict.headline == "loss: they have no step in common"
    assert word(judged([], [])) == ("incomplete", 2)


@pytest.mark.parametrize("within", [None, "1%"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_longer_log_that_agrees_is_incomplete(within: str | None, turned: bool) -> None:
    a, b = FALLING, FALLING[:3]
    verdict = judged(*((b, a) if turned else (a, b)), within=within)
    assert word(verdict) == ("incomplete", 2)
    who = "the other run" if turned else "the first run"
    assert verdict.headline == f"loss: {who} alone logged 1 more value"


def test_a_longer_log_that_differs_diverged() -> None:
    assert word(judged(FALLING, nudged(FALLING[:3], 1, 1e-9))) == ("diverged", 1)


def test_a_third_log_without_a_common_step_hides_no_difference() -> None:
    verdict = judged([1.0], [2.0], series([1.0], [7]))
    assert word(verdict) == ("diverged", 1)
    assert verdict.headline == "loss differs first, at step 0"


@pytest.mark.parametrize(("other", "expected"), [(FALLING, ("incomplete", 2)), ([9.0] * 4, ("diverged", 1))])
def test_a_log_that_was_cut(other: list[float], expected: tuple[str, int]) -> None:
    """What could not be read keeps agreement from being the word, never a difference."""
    logs = [log("a", loss=FALLING), log("b", ["b ends within a line"], loss=other)]
    verdict = compare_metrics(logs)
    assert word(verdict) == expected
    assert "b ends within a line" in verdict.notes
    if expected[1] == 2:
        assert verdict.headline == "what was read agrees; b ends within a line"


def test_rounded_logs_say_how_many_digits() -> None:
    verdict = judged(series([0.1234], digits=4), series([0.1234], digits=4))
    assert word(verdict) == ("same", 0)
    assert verdict.metrics[0].sentence() == "identical in the 4 digits that the log kept, 1 value"
    assert "keep 4 digits or more; what lies below was not compared" in verdict.headline


def test_logs_that_round_differently_are_said_to() -> None:
    """A value and the same value rounded are two: the difference may be that of the logs."""
    verdict = judged(series([0.1234], digits=4), [0.12341])
    assert word(verdict) == ("diverged", 1)
    assert verdict.notes == ("not rounded alike in every log, which alone makes values differ: loss",)
    assert judged(series([0.1234], digits=4), series([0.1235], digits=4)).notes == ()


def test_steps_and_epochs_are_not_laid_side_by_side() -> None:
    """Which belong together is not known, whatever the values are."""
    steps, epochs = series(FALLING), series(nudged(FALLING, 2, 0.5), axis="epoch")
    verdict = judged(steps, epochs)
    assert word(verdict) == ("incomplete", 2)
    assert verdict.headline.startswith("loss: one log counts steps and another epochs")
    assert word(judged(steps, series(FALLING, axis="epoch"))) == ("incomplete", 2)


def test_patterns() -> None:
    logs = [log("a", **{"val/a": [1.0], "val/b": [1.0], "train": [1.0]}),
            log("b", **{"val/a": [1.0], "val/b": [1.0], "train": [2.0]})]  # fmt: skip
    assert word(compare_metrics(logs)) == ("diverged", 1)
    verdict = compare_metrics(logs, only=["val/*"])
    assert word(verdict) == ("same", 0)
    assert [metric.name for metric in verdict.metrics] == ["val/a", "val/b"]
    with pytest.raises(UsageError, match=r"named 'Val/\*'; there are: val/a, val/b, train"):
        compare_metrics(logs, only=["train", "Val/*"])


def test_hostile_names_in_a_refusal_are_escapes() -> None:
    logs = [log(name, **{"\x1b[2J\u202e": [1.0]}) for name in "ab"]
    with pytest.raises(UsageError) as refused:
        compare_metrics(logs, only=["\x1b"])
    assert str(refused.value).isprintable()


def test_several() -> None:
    """Each is compared with the first; one that differs is enough."""
    assert word(judged([1.0], [1.0], [1.0])) == ("same", 0)
    assert word(judged([1.0], [1.0], [2.0])) == ("diverged", 1)
    verdict = judged([1.0, 1.0], [1.0, 2.0], [3.0, 1.0])
    assert verdict.headline == "loss differs first, at step 0"
    assert verdict.metrics[0].sentence().startswith("differs from step 0 on in 1 of 2 values")


def test_the_metric_that_differs_first_in_time() -> None:
    logs = [log("a", late=FALLING, early=FALLING),
            log("b", late=nudged(FALLING, 3, 1), early=nudged(FALLING, 1, 1))]  # fmt: skip
    verdict = compare_metrics(logs)
    assert verdict.first is not None
    assert verdict.first.name == "early"


@pytest.mark.parametrize(
    "values", [[1e308, 1e308, 1e308], [1e308, -1e308], [1e200, 0.0, 0.0], [INF, -INF], [INF, 1.0], [NAN], []]
)
def test_no_values_are_too_large_for_a_spread(values: list[float]) -> None:
    """It is strict JSON, whatever the logs hold, and so is the verdict over them."""
    json.dumps(LastValues(tuple(values)).as_json(), allow_nan=False)
    word(judged(*([1.0, value] for value in [*values, 1.0, 2.0])))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6), st.integers(1, 9))
def test_a_mean_lies_between_and_of_equal_values_is_one(values: list[float], count: int) -> None:
    assert min(values) <= LastValues(tuple(values)).mean <= max(values)
    same = LastValues((values[0],) * (count + 1))
    assert (same.mean, same.sd) == (values[0], 0.0)


def test_hostile_text_in_a_notebook_is_text() -> None:
    hostile = "<script>x</script>\x1b[2J"
    verdict = compare_metrics([log(hostile, **{hostile: [1.0]}), log("b", **{hostile: [2.0]})])
    shown = verdict._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert "\x1b" not in shown


def test_what_was_read_at_some_steps_alone_lacks_none() -> None:
    """The norm of gradients: two records need not have read them at the same steps, or at all."""
    often = replace(series([3.0, 2.0, 1.0], [0, 1, 2]), name="norm", sampled=True)
    seldom = replace(series([3.0, 1.0], [0, 2]), name="norm", sampled=True)
    logs = [
        MetricLog(name, Path(name), "record", {"norm": one}) for name, one in (("a", often), ("b", seldom))
    ]
    assert word(compare_metrics(logs)) == ("same", 0)
    loss = series([1.0])
    logs = [MetricLog("a", Path("a"), "record", {"loss": loss, "norm": often}),
            MetricLog("b", Path("b"), "record", {"loss": loss})]  # fmt: skip
    assert word(compare_metrics(logs)) == ("same", 0)
