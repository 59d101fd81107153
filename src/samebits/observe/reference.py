"""The definition of the fingerprint, in numpy: written to be read, and the judge of every faster one.

`native/digest.h` computes the same 64 bits with vector instructions, `native/tensors.h` with torch
operations on other devices.  docs/reference/digest.md says what the fingerprint is and how safe it is;
the bits are API: nothing in this file may ever change what it returns.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]

ROW: Final = 2048  # words a row
GOLDEN: Final = 0x9E3779B97F4A7C15
_MASK: Final = 2**64 - 1
_BATCH: Final = 8  # rows at a time; the temporaries stay in the processor's cache

_DTYPE_NAMES: Final = (
    "uint8 int8 int16 int32 int64 float16 float32 float64 complex32 complex64 complex128 bool qint8 quint8 "
    "qint32 bfloat16 quint4x2 quint2x4 bits1x8 bits2x4 bits4x2 bits8 bits16 float8_e5m2 float8_e4m3fn "
    "float8_e5m2fnuz float8_e4m3fnuz uint16 uint32 uint64 uint1 uint2 uint3 uint4 uint5 uint6 uint7 int1 "
    "int2 int3 int4 int5 int6 int7 float8_e8m0fnu float4_e2m1fn_x2"
)
#: PyTorch's dtype names by their number (c10::ScalarType); the numbers enter the fingerprint.
DTYPES: Final = tuple(_DTYPE_NAMES.split())


def reference(buffer: Any, dtype_number: int, shape: Sequence[int]) -> int:
    """The fingerprint of a tensor of this shape and dtype whose elements lie in C order in ``buffer``."""
    data = np.frombuffer(buffer, dtype=np.uint8)
    return finish(_bytes_total(data), data.size, dtype_number, shape)


def finish(total: int, nbytes: int, dtype_number: int, shape: Sequence[int]) -> int:
    """The sum over rows folded with byte count, dtype and each extent; never 0, which means "none"."""
    h = fold(fold(fold(total, nbytes), dtype_number), len(shape))
    for extent in shape:
        h = fold(h, extent)
    return h or 1


def fold(h: int, value: int) -> int:
    """Mix one more number into a hash; the order of folding counts."""
    return fmix(((h ^ fmix((value + GOLDEN) & _MASK)) * GOLDEN) & _MASK)


def fmix(h: int) -> int:
    """MurmurHash3's finalizer: a bijection of 64 bits in which each input bit moves every output bit."""
    h ^= h >> 33
    h = (h * 0xFF51AFD7ED558CCD) & _MASK
    h ^= h >> 33
    h = (h * 0xC4CEB9FE1A85EC53) & _MASK
    return h ^ (h >> 33)


@cache
def keys() -> Words:
    """ROW + 8 random words: splitmix64 from seed 0."""
    z = np.arange(1, ROW + 9, dtype=np.uint64) * np.uint64(GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _bytes_total(data: NDArray[np.uint8]) -> int:
    """The sum over rows of 2048 little-endian words; the last row may be short, the last word zero-padded."""
    count = (data.size + 7) // 8
    whole = count // ROW
    total = 0
    for first in range(0, whole, _BATCH):
        last = min(first + _BATCH, whole)
        total += _rows_total(_words(data[first * ROW * 8 : last * ROW * 8]).reshape(-1, ROW), first)
    if count > whole * ROW:
        total += _rows_total(_words(data[whole * ROW * 8 :]).reshape(1, -1), whole)
    return total & _MASK


def _words(data: NDArray[np.uint8]) -> Words:
    if data.size % 8:
        data = np.concatenate([data, np.zeros(-data.size % 8, dtype=np.uint8)])
    return data.view("<u8").astype(np.uint64, copy=False)


def _rows_total(rows: Words, first: int) -> int:
    """The sum of the hashes of consecutive rows, ``first`` being the number of the first."""
    n = rows.shape[1]
    a0 = _nh(rows, keys()[:n])
    a1 = _nh(rows, keys()[1 : n + 1])
    position = np.arange(first + 1, first + 1 + len(rows), dtype=np.uint64) * np.uint64(GOLDEN)
    return int(_fmix_words(a0 ^ _fmix_words(a1 + position)).sum(dtype=np.uint64))


def _nh(rows: Words, key: Words) -> Words:
    """NH of each row: both halves of a word plus both halves of its key, multiplied, summed modulo 2**64."""
    low = rows.astype(np.uint32) + key.astype(np.uint32)
    high = (rows >> np.uint64(32)).astype(np.uint32) + (key >> np.uint64(32)).astype(np.uint32)
    total: Words = np.multiply(low, high, dtype=np.uint64).sum(axis=1, dtype=np.uint64)
    return total


def _fmix_words(h: Words) -> Words:
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return h ^ (h >> np.uint64(33))


# -- tensors -------------------------------------------------------------------------------------------


@cache
def dtype_number(dtype: torch.dtype) -> int:
    """PyTorch's number of a dtype."""
    return DTYPES.index(str(dtype).removeprefix("torch."))


def has_bytes(tensor: torch.Tensor) -> bool:
    """Whether a tensor is plain memory: not sparse, nested, meta, fake, batched or wrapped."""
    import torch

    plain = tensor.layout == torch.strided and not tensor.is_meta and not tensor.is_nested
    return plain and not _is_wrapper(tensor) and torch._C._has_storage(tensor)


def _is_wrapper(tensor: torch.Tensor) -> bool:
    """Whether a tensor holds other tensors rather than memory: a subclass's, a functorch transform's."""
    import torch

    held = torch._C._dispatch_keys(tensor)
    return any(held.has(key) for key in _wrapping_keys())


@cache
def _wrapping_keys() -> list[Any]:
    from torch._C import DispatchKey as Key

    return [Key.Python, Key.Functionalize, Key.FuncTorchBatched, Key.FuncTorchGradWrapper]


def tensor_bytes(tensor: torch.Tensor) -> Any:
    """The elements of a tensor in C order, as a buffer; without copying where they lie so already."""
    source = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous()
    size = source.numel() * source.element_size()
    if size == 0 or source.data_ptr() == 0:
        return b""
    # By address: torch cannot view every dtype as bytes (quantized ones).  numpy keeps only the ctypes array
    # alive, so the tensor that owns the memory is tied to it.
    held = (ctypes.c_ubyte * size).from_address(source.data_ptr())
    held._tensor = source  # type: ignore[attr-defined]
    return held


def tensor_digest(tensor: torch.Tensor) -> int:
    """`reference` of a tensor; a sparse or nested one is the fold of the dense ones it consists of."""
    if has_bytes(tensor):
        return reference(tensor_bytes(tensor), dtype_number(tensor.dtype), tuple(tensor.shape))
    h = meta_digest(tensor)
    for part in parts(tensor):
        h = fold(h, tensor_digest(part))
    return h


def parts(tensor: torch.Tensor) -> list[torch.Tensor]:
    """The dense tensors that a sparse or a nested one consists of; none for any other."""
    import torch

    if tensor.is_meta or _is_wrapper(tensor):
        return []
    if tensor.is_nested:
        buffer = torch.empty(0, dtype=tensor.dtype, device=tensor.device).set_(
            tensor.detach().untyped_storage()
        )
        return [tensor._nested_tensor_size(), buffer]
    if tensor.layout == torch.sparse_coo:
        return [tensor._indices(), tensor._values()]
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return [tensor.crow_indices(), tensor.col_indices(), tensor.values()]
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return [tensor.ccol_indices(), tensor.row_indices(), tensor.values()]
    return []


def meta_digest(tensor: torch.Tensor) -> int:
    """The fingerprint of a dtype and a shape; 1 where there is no shape in plain numbers."""
    if tensor.is_nested:
        return 1
    extents = tuple(tensor.shape)
    if not all(type(extent) is int for extent in extents):
        return 1
    return finish(0, 0, dtype_number(tensor.dtype), extents)
