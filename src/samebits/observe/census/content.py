"""The digest of a value: equal for equal content, whoever saved and loaded it meanwhile.

Containers are told by their entries and tensors by `observe.digest`; an object of another kind by its class
alone, since what it holds may be anything.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import xxhash

from samebits.manifest.secrets import secret_name
from samebits.observe import digest as tensors

#: Entries of a container that are looked at, and how deep.
_MOST: Final = 20_000
_DEPTH: Final = 8
#: Arrays of more bytes are read as a whole only once.
PLAIN: Final = (bool, int, float, str, type(None))


def digest(value: Any) -> str:
    """16 hexadecimal digits."""
    hashed = xxhash.xxh3_64()
    _feed(value, hashed.update, [_MOST], _DEPTH)
    return hashed.hexdigest()


def written(value: Any, name: str = "") -> str:
    """A number or a switch as it is, behind "="; anything else, and a secret by its name, as its digest."""
    if type(value) in PLAIN and type(value) is not str and not secret_name(name):
        text = repr(value)
        if len(text) <= 60:
            return f"={text}"
    return digest(value)


def _feed(value: Any, update: Callable[[bytes], None], left: list[int], depth: int) -> None:
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        return
    kind = type(value)
    if kind in PLAIN or kind is complex:
        update(f"p{value!r};".encode("utf-8", "surrogatepass"))
    elif isinstance(value, bytes | bytearray):
        update(b"b" + bytes(value))
    elif isinstance(value, Mapping):
        update(b"d" + struct.pack("<Q", len(value)))
        for key, entry in sorted(dict(value).items(), key=lambda item: repr(item[0])):
            update(f"k{key!r};".encode("utf-8", "surrogatepass"))
            _feed(entry, update, left, depth - 1)
    elif isinstance(value, list | tuple) or kind.__name__ == "deque":
        update(b"l" + struct.pack("<Q", len(value)))
        for entry in list(value):
            _feed(entry, update, left, depth - 1)
    elif isinstance(value, set | frozenset):
        update(b"s" + b"".join(sorted(digest(entry).encode() for entry in value)))
    elif (number := tensor_digest(value)) is not None:
        update(struct.pack("<Q", number))
    else:
        update(f"o{kind.__module__}.{kind.__qualname__};".encode())


def tensor_digest(value: Any) -> int | None:
    """The fingerprint of a tensor or an array of numbers; None for anything else.

    A number of numpy's is told as an array of one.
    """
    import torch

    if isinstance(value, torch.Tensor):
        return tensors.digest(value.detach())
    if hasattr(value, "__array_interface__") and hasattr(value, "tobytes"):
        if getattr(value.dtype, "hasobject", False):
            return None
        head = f"{value.dtype}{tuple(value.shape)}".encode()
        return xxhash.xxh3_64(head + value.tobytes()).intdigest()
    return None


def is_number(value: Any) -> bool:
    """Whether it holds a single number or none: such are equal by chance."""
    size = getattr(value, "numel", None)
    count = size() if callable(size) else getattr(value, "size", 2)
    return isinstance(count, int) and count <= 1


def has_numbers(gradient: Any) -> bool:
    """Whether there is a gradient and anything of it is not zero."""
    if gradient is None:
        return False
    return bool((gradient._values() if gradient.is_sparse else gradient).any())


def leaves(value: Any, path: str = "", depth: int = _DEPTH) -> Iterator[tuple[str, Any]]:
    """(path of keys with dots, value) of everything in nested containers, the containers among it."""
    yield path, value
    if depth <= 0:
        return
    if isinstance(value, Mapping):
        for key, entry in list(value.items()):
            yield from leaves(entry, f"{path}.{key}" if path else str(key), depth - 1)
    elif isinstance(value, list | tuple) and len(value) <= 64:
        for number, entry in enumerate(value):
            yield from leaves(entry, f"{path}[{number}]", depth - 1)
