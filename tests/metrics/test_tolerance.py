"""What a person may type as a tolerance, and how it is said back."""

from __future__ import annotations

import pytest

from samebits.errors import UsageError
from samebits.metrics import Tolerance


@pytest.mark.parametrize(
    ("text", "kind", "amount", "said"),
    [
        ("1%", "relative", 0.01, "1 %"),
        (" 0.5 % ", "relative", 0.005, "0.5 %"),
        ("0.01", "absolute", 0.01, "0.01"),
        ("1e-3", "absolute", 0.001, "0.001"),
        ("+2", "absolute", 2.0, "2"),
        ("0", "absolute", 0.0, "0"),
        ("4ulp", "ulp", 4.0, "4 ulp"),
        ("1 ulps", "ulp", 1.0, "1 ulp"),
        ("2sd", "sd", 2.0, "2 sd"),
        ("1.5sd", "sd", 1.5, "1.5 sd"),
    ],
)
def test_what_is_one(text: str, kind: str, amount: float, said: str) -> None:
    found = Tolerance.parse(text)
    assert (found.kind, found.amount) == (kind, pytest.approx(amount, rel=1e-15))
    assert str(found) == said
    assert Tolerance.parse(str(found)).kind == kind


@pytest.mark.parametrize(
    "text",
    ["", " ", "%", "ulp", "-1", "-0.5%", "nan", "inf", "1e999", "1e", "e", "--1", "1%%", "1,5", "1 percent",
     "2 sdx", "0x10", "1_0", "١", "1\x1b[2J", "1\n2"],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    """The message shows what was given, as an escape where it is no text."""
    with pytest.raises(UsageError, match="is no tolerance; give one of 1%") as refused:
        Tolerance.parse(text)
    assert str(refused.value).isprintable()
