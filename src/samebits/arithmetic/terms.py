"""What sums add, by the numbers of native/sums.h."""

from __future__ import annotations

from enum import IntEnum


class Term(IntEnum):
    """What a lane becomes with the next element; in the order of native/sums.h."""

    SUM = 0
    MAGNITUDES = 1
    SQUARES = 2
    PRODUCTS = 3
    DEVIATIONS = 4
    COVARIANCE = 5
    PRODUCT = 6
    STANDARD = 7
    MAXIMUM = 9
    MINIMUM = 10
