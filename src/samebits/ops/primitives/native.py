"""The way from a replacement to the torch kernel that it replaces.

A sum whose terms are exact is the same in every order, so a replacement may leave
the adding to torch.  But the operation that adds is replaced too.  Inside
`native()` the replacements of this family step aside, on the calling thread alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Here(threading.local):
    depth = 0


_here = _Here()


@contextmanager
def native() -> Iterator[None]:
    """Within it, operations on this thread run torch's own kernels."""
    _here.depth += 1
    try:
        yield
    finally:
        _here.depth -= 1


def wanted() -> bool:
    """Whether this thread is inside `native()`."""
    return _here.depth > 0
