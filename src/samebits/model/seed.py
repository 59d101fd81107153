"""What a seed is: the one rule of everything that takes one.

A whole number of 0 .. 2**128 - 1.  It may be a Python int, a numpy integer, or anything else with
`__index__`, such as a tensor of one integer.  A bool, a float, a string and None are refused, never
rounded or read; so are negative numbers, which libraries take for different positive ones.  Where what is
seeded keeps fewer bits (`PYTHONHASHSEED`, the numbers of published guides), the caller gives a lower
`limit`, and the text says which.

Here, below the packages, because programs are started with a seed where torch is not imported.
"""

from __future__ import annotations

import operator
from typing import Final

from samebits.errors import UsageError, UsageTypeError

#: Seeds, and the numbers in a path, are 0 .. SEED_LIMIT - 1.
SEED_LIMIT: Final = 2**128


def checked_seed(seed: object, caller: str, *, limit: int = SEED_LIMIT, why: str = "") -> int:
    """`seed` as an int, if it can be meant as one.

    Args:
        seed: what was given.
        caller: the function it was given to, for the text.
        limit: a power of two above the largest that is accepted.
        why: what keeps it below that limit, for the text: "which is all that np.random.seed takes".

    Raises:
        UsageTypeError: not an integer: a bool, a float (it would be rounded), None, a string.
        UsageError: not in 0 .. limit - 1.
    """
    if isinstance(seed, int) and not isinstance(seed, bool):
        number = int(seed)
    else:
        name = type(seed).__name__
        if name.startswith("bool") or not hasattr(seed, "__index__") or getattr(seed, "shape", ()) != ():
            raise UsageTypeError(f"{caller}: the seed must be an int, got {seed!r} ({name})")
        try:
            number = operator.index(seed)
        except TypeError:  # a tensor of floats has __index__ and refuses
            raise UsageTypeError(f"{caller}: the seed must be an int, got {seed!r} ({name})") from None
        if getattr(seed, "dtype", None) is not None and "bool" in str(seed.dtype):  # type: ignore[attr-defined]
            raise UsageTypeError(f"{caller}: the seed must be an int, got {seed!r} ({name})")
    if not 0 <= number < limit:
        raise UsageError(
            f"{caller}: the seed must be in 0 .. 2**{limit.bit_length() - 1} - 1{why and ', ' + why}, got "
            f"{number}"
        )
    return number
