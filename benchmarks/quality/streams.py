"""Streams of 32-bit words: what the generator gives when it is used as programs use it, chunk by chunk.

`words` is one key's words.  The others put next to each other what must not be related: the first
words of consecutive seeds, the words of two seeds in turn, those of keys that are split of one, or
folded of names, a key's own words and those of its children, one word of each call, calls far apart,
and the attempts of the distributions that may need several (`samebits.random.philox`).  `uniform` has the
bits of float32 numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from samebits import random
from samebits.random import philox

#: Words of a chunk.
CHUNK = 1 << 20
CALL = 4  # words of a call of Philox

Words = np.ndarray


@dataclass(frozen=True)
class Stream:
    """A stream of words.

    Attributes:
        name: as in the results.
        chunk: (a number) -> uint32 of shape (CHUNK,).
        share: how large a part of the numbers asked for is tested of it.
        words_each: of how many consecutive words each source gives them: chance alone joins them.
    """

    name: str
    chunk: Callable[[int], Words]
    share: float = 1.0


def as_words(bits: Tensor) -> Words:
    return bits.contiguous().view(-1).view(torch.int32).numpy().view(np.uint32)


def words(key: Tensor, number: int, count: int = CHUNK) -> Words:
    """A chunk of one key's words."""
    whole = 1 << 50
    return as_words(random.bits(key, whole, shard=((number * count,), (count,))))


def keys_of(seeds: Tensor, offsets: Tensor | int = 0) -> Tensor:
    """Keys of int64 seeds."""
    offset = offsets if isinstance(offsets, Tensor) else torch.full_like(seeds, offsets)
    return torch.stack((seeds, offset), -1).view(torch.uint64)


def of_keys(keys: Tensor, each: int) -> Words:
    """`each` words of each of (keys, 2), one key's after another's."""
    return as_words(random.bits(keys, keys.shape[0], each))


def in_turn(keys: Tensor, number: int) -> Words:
    """A chunk of the words of (keys, 2), one of each in turn."""
    count = CHUNK // keys.shape[0]
    return np.stack([words(key, number, count) for key in keys], 1).reshape(-1)


def streams(seed: int) -> Iterator[Stream]:
    root = random.key(seed)
    each = CHUNK // CALL

    def seeds(number: int) -> Words:
        first = seed + number * each
        return of_keys(keys_of(torch.arange(first, first + each)), CALL)

    def split(number: int) -> Words:
        return of_keys(random.split(random.fold_in(root, number), each), CALL)

    def names(number: int) -> Words:
        many = 1 << 10
        keys = [random.fold_in(root, f"layer.{number * many + i}.weight") for i in range(many)]
        return of_keys(torch.stack(keys), CHUNK // many)

    def family(number: int) -> Words:
        parent = random.fold_in(root, number)
        return in_turn(torch.stack((parent, *random.split(parent, 3))), 0)

    def far(number: int) -> Words:
        # Calls 2**32 apart: the counter's high word alone changes.
        key = keys_of(torch.full((each,), seed), (torch.arange(each) + number * each) << 32)
        return of_keys(key, CALL)

    def lane(number: int) -> Words:
        return np.concatenate([words(root, CALL * number + i)[::CALL] for i in range(CALL)])

    def uniform(number: int) -> Words:
        # The 24 bits of each number, end to end.
        count = -(-CHUNK * 4 // 3)
        x = random.uniform(root, 1 << 50, shard=((number * count,), (count,)))
        whole = (x.numpy() * np.float32(1 << 24)).astype(np.uint32)
        three = whole.view(np.uint8).reshape(-1, 4)[:, :3]
        return three.reshape(-1)[: 4 * CHUNK].view(np.uint32)

    def attempts(number: int) -> Words:
        many = 16
        elements = torch.arange(CHUNK // CALL // many) + number * (CHUNK // CALL // many)
        blocks = [torch.stack(philox.words128(root, elements, 1 + j), -1) for j in range(many)]
        return as_words(torch.stack(blocks, 1).to(torch.uint32))

    yield Stream("words", lambda number: words(root, number))
    yield Stream("seeds", seeds, 0.25)
    yield Stream("two seeds", lambda n: in_turn(torch.stack((root, random.key(seed + 1))), n), 0.25)
    yield Stream("split", split, 0.25)
    yield Stream("family", family, 0.25)
    yield Stream("far calls", far, 0.25)
    yield Stream("first of a call", lane, 0.25)
    yield Stream("uniform", uniform, 0.25)
    yield Stream("names", names, 0.02)
    yield Stream("attempts", attempts, 0.02)


def find(name: str, seed: int) -> Stream:
    """A stream by its name."""
    return {stream.name: stream for stream in streams(seed)}[name]
