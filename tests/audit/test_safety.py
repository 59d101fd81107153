"""What is said of a rule's fixes."""

from __future__ import annotations

import pytest

from samebits.audit.safety import safety
from samebits.causes import CATALOGUE as REAL

from .planted import CATALOGUE

pytestmark = pytest.mark.usefixtures("planted")


def test_of_planted_rules() -> None:
    assert safety(CATALOGUE["listing"]).startswith("--fix makes it: ")
    assert safety(CATALOGUE["by-hand"]).startswith("The fix is for a person to make")


def test_every_cause_has_a_sentence() -> None:
    assert safety(REAL["rng-drift"]).startswith("No rule finds it in source")
