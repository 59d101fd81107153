"""Character noise for robust text models. Callers seed `random` or hand in a generator."""

import random
import string

__all__ = ["drop_chars", "swap_chars", "insert_chars", "Noise"]


def drop_chars(text, p, rng=random):
    return "".join(c for c in text if rng.random() >= p)


def swap_chars(text, p, rng=random):
    chars = list(text)
    for i in range(len(chars) - 1):
        if rng.random() < p:
            chars[i], chars[i + 1] = chars[i + 1], chars[i]
    return "".join(chars)


def insert_chars(text, p, rng=random):
    out = []
    for c in text:
        out.append(c)
        if rng.random() < p:
            out.append(rng.choice(string.ascii_lowercase))
    return "".join(out)


class Noise:
    def __init__(self, p=0.05, ops=(drop_chars, swap_chars, insert_chars)):
        self.p = p
        self.ops = ops

    def __call__(self, text):
        return random.choice(self.ops)(text, self.p)
