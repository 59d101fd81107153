"""The checksum of plain data: the same for equal data, whatever saved and loaded it meanwhile.

It guards against damage, not against forgery.  Encoded are kinds, lengths and
contents; dicts by sorted keys, since a framework may rebuild them; a tuple as
the list that some formats make of it; tensors by type, shape and bytes, wherever
they lie.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

import xxhash


def checksum(value: Any) -> str:
    """The checksum of dicts, lists, tensors, strings, ints, floats, bools and None.  32 hexadecimal digits.

    Raises:
        TypeError: anything else in it.
    """
    return _hash(value).hexdigest()


def digest_number(value: Any) -> int:
    """The same as a number of 128 bits."""
    return _hash(value).intdigest()


def _hash(value: Any) -> xxhash.xxh3_128:
    hasher = xxhash.xxh3_128()
    _feed(value, hasher.update)
    return hasher


def _feed(value: Any, update: Callable[[bytes], None]) -> None:
    if isinstance(value, Mapping):
        update(b"d" + struct.pack("<Q", len(value)))
        for key in sorted(value):
            if not isinstance(key, str):
                raise TypeError(f"the keys of plain data are strings, got {key!r}")
            _feed(key, update)
            _feed(value[key], update)
    elif isinstance(value, list | tuple):
        update(b"l" + struct.pack("<Q", len(value)))
        for part in value:
            _feed(part, update)
    elif isinstance(value, float):
        update(b"f" + struct.pack("<d", value))
    elif value is None or isinstance(value, bool | int | str):
        kind = (
            b"s" if isinstance(value, str) else b"i" if type(value) is int else b"c"
        )  # c: True, False, None
        content = str(value).encode("utf-8", "surrogatepass")
        update(kind + struct.pack("<Q", len(content)) + content)
    else:
        import torch

        if not isinstance(value, torch.Tensor):
            raise TypeError(f"a {type(value).__name__} is not plain data")
        _feed([str(value.dtype), list(value.shape)], update)
        update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
