"""What a Python value is, as 64 bits, and what decides the order of a set that holds it.

Facts never hold the user's values, only digests, so that two runs can be
compared and nothing secret is stored.  A digest covers the values themselves
(numbers, text, tuples, arrays ...); an object of any other class counts by the
name of its class alone, since its address says nothing across two runs.

No method of a user's class is called here: observing must not run user code.
"""

from __future__ import annotations

import datetime
import enum
import numbers
import os
import struct
import sys
from collections.abc import Iterable
from itertools import islice
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final

from xxhash import xxh3_64_intdigest

#: What decides a value's place in a set: its value alone, the salted hash of text, or its address.
VALUE: Final = 0
HASH: Final = 1
ADDRESS: Final = 2
BY: Final = ("value", "hash", "address")

MASK: Final = (1 << 64) - 1
_DEPTH: Final = 6
_ITEMS: Final = 4096  # longer containers count by this many items: half from the head, half from the tail
_BYTES: Final = 16 << 20  # likewise text and arrays, in bytes
_WHOLE: Final = 200_000  # a larger set gets no digest of its content
_DATES: Final = (datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo)
_NO_CONTENT: Final = b"o"

#: A number for the address of an object, in the order of addresses.  Not `id`: that is an audited event.
address: Final = object.__hash__


def digest(value: object) -> int:
    """A 64-bit digest of ``value``'s canonical bytes, the same in every process."""
    return xxh3_64_intdigest(canonical(value))


def canonical(value: object, depth: int = 0) -> bytes:
    """Bytes that two values share if they are equal in type and content (bounded: `_ITEMS`, `_BYTES`)."""
    kind = type(value)
    if value is None:
        return b"N"
    if kind is bool:
        return b"1" if value else b"0"
    if isinstance(value, enum.Enum):
        return _named(b"e", kind) + canonical(str(value._name_))
    if isinstance(value, int):
        return b"i" + value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    if isinstance(value, float):
        return b"f" + struct.pack("<d", value)
    if isinstance(value, complex):
        return b"c" + struct.pack("<dd", value.real, value.imag)
    if isinstance(value, str):
        return _blob(b"s", str.encode(value, "utf-8", "surrogatepass"))
    if isinstance(value, bytes | bytearray | memoryview):
        return _blob(b"b", value)
    if isinstance(value, os.PathLike) and kind.__module__.startswith("pathlib"):
        return _blob(b"p", os.fsencode(value))
    array = _array(value)
    if array is not None:
        return array
    tensor = _tensor(value)
    if tensor is not None:
        return tensor
    if depth < _DEPTH:
        if isinstance(value, tuple | list):
            return _sequence(b"t" if isinstance(value, tuple) else b"l", value, len(value), depth)
        if kind is dict:
            pairs: dict[Any, Any] = value  # type: ignore[assignment]
            return _sequence(b"d", (part for pair in pairs.items() for part in pair), 2 * len(pairs), depth)
        if isinstance(value, set | frozenset):
            parts = sorted(xxh3_64_intdigest(canonical(item, depth + 1)) for item in islice(value, _WHOLE))
            return _sequence(b"S", parts, len(value), depth)
    if isinstance(value, _DATES):
        exact = kind.__module__ == "datetime"
        return _blob(b"D", repr(value).encode()) if exact else _named(_NO_CONTENT, kind)
    return _named(_NO_CONTENT, kind)


def _named(tag: bytes, kind: type) -> bytes:
    return _blob(tag, f"{kind.__module__}.{kind.__qualname__}".encode("utf-8", "surrogatepass"))


def _blob(tag: bytes, data: bytes | bytearray | memoryview) -> bytes:
    raw = bytes(data)
    if len(raw) > _BYTES:
        return b"%b%d:%b%b" % (tag, len(raw), raw[: _BYTES // 2], raw[-_BYTES // 2 :])
    return b"%b%d:%b" % (tag, len(raw), raw)


def _sequence(tag: bytes, items: Iterable[object], count: int, depth: int) -> bytes:
    if count > _ITEMS:
        if isinstance(items, tuple | list):
            items = [*items[: _ITEMS // 2], *items[-_ITEMS // 2 :]]
        else:
            items = islice(items, _ITEMS)
    return b"%b%d(%b)" % (tag, count, b"".join(canonical(item, depth + 1) for item in items))


def _array(value: object) -> bytes | None:
    numpy = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "generic") or not isinstance(value, numpy.ndarray | numpy.generic):
        return None
    array = numpy.asarray(value)
    head = f"{array.dtype.str}{array.shape}".encode()
    if array.dtype.hasobject:
        return _blob(b"a", head)
    if array.nbytes > _BYTES:
        flat, half = array.reshape(-1), _BYTES // 2 // array.itemsize
        return _blob(b"a", head + flat[:half].tobytes() + flat[-half:].tobytes())
    return _blob(b"a", head + array.tobytes())


def _tensor(value: object) -> bytes | None:
    """A tensor on the CPU, through the observer: any other way of reading it would be an operation."""
    torch, observer = sys.modules.get("torch"), sys.modules.get("samebits.record._observer")
    if torch is None or observer is None or type(value) not in (torch.Tensor, torch.nn.Parameter):
        return None
    held: Any = value
    return _blob(b"T", observer.digest(held).to_bytes(8, "little")) if held.device.type == "cpu" else None


def nature(value: object, depth: int = 0) -> int:
    """What decides the hash of ``value``: `VALUE`, `HASH` or `ADDRESS`."""
    kind = type(value)
    if value is None:
        return VALUE if sys.version_info >= (3, 12) else ADDRESS  # hash(None) was its address until 3.12
    if isinstance(value, enum.Enum) or kind.__hash__ in (str.__hash__, bytes.__hash__, memoryview.__hash__):
        return HASH
    if kind.__hash__ is object.__hash__ or _by_address(value):
        return ADDRESS
    if kind.__hash__ in (tuple.__hash__, frozenset.__hash__):
        if depth >= _DEPTH:
            return HASH
        items: Iterable[object] = value  # type: ignore[assignment]
        return max((nature(item, depth + 1) for item in islice(items, 64)), default=VALUE)
    if isinstance(value, numbers.Number):
        return VALUE
    fields = getattr(kind, "__dataclass_fields__", None)
    if isinstance(fields, dict) and kind.__dataclass_params__.eq and depth < _DEPTH:  # type: ignore[attr-defined]
        held = getattr(value, "__dict__", {})
        return max((nature(held.get(name, ""), depth + 1) for name in fields), default=VALUE)
    return HASH  # a class's own __hash__: nearly always over text


def _by_address(value: object) -> bool:
    if isinstance(value, type | FunctionType | BuiltinFunctionType | MethodType | ModuleType):
        return True
    torch = sys.modules.get("torch")
    tensor = getattr(torch, "Tensor", None)
    return isinstance(tensor, type) and isinstance(value, tensor)


def deciding(value: object) -> str:
    """In one word, what decides ``hash(value)``: "str", "bytes", "object", or a number's class."""
    decided = nature(value)
    if decided == ADDRESS:
        return "object"
    if decided == VALUE:
        return type(value).__name__
    return "bytes" if isinstance(value, bytes) else "str"


def arrangement(items: Iterable[object], count: int) -> dict[str, Any]:
    """The order in which ``items`` come, for an `iteration` fact: ``by``, ``order``, ``content``, ``n``.

    Elements known only by their class are told apart by the rank of their
    address among them: where allocation goes alike in two runs, another order is seen.
    """
    by = VALUE
    total = 0
    tokens: list[int] = []
    nameless: list[tuple[int, int]] = []  # address, place
    for place, item in enumerate(islice(items, _WHOLE)):
        data = canonical(item)
        token = xxh3_64_intdigest(data)
        total += token
        if place < _ITEMS:
            by = max(by, nature(item)) if by < ADDRESS else by
            tokens.append(token)
            if data[:1] == _NO_CONTENT:
                nameless.append((address(item), place))
    ranks = [place for _, place in sorted(nameless)]
    packed = struct.pack(f"<{len(tokens)}Q{len(ranks)}q", *tokens, *ranks)
    content = None if count > _WHOLE else xxh3_64_intdigest(struct.pack("<QQ", total & MASK, count))
    return {"by": BY[by], "order": xxh3_64_intdigest(packed), "content": content, "n": count}


class Sequence:
    """A running digest of values that come one by one: their order, and their content whatever the order."""

    __slots__ = ("_order", "_total", "n")

    def __init__(self) -> None:
        self.n = 0
        self._order = 0
        self._total = 0

    def add(self, value: object) -> None:
        token = digest(value)
        self.n += 1
        self._total = (self._total + token) & MASK
        self._order = xxh3_64_intdigest(struct.pack("<QQ", self._order, token))

    @property
    def order(self) -> int:
        return self._order

    @property
    def content(self) -> int:
        return xxh3_64_intdigest(struct.pack("<QQ", self._total, self.n))
