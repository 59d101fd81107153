import random


class WordDropout:
    """Replace a word by the unknown token with probability `rate`."""

    def __init__(self, rate=0.1, unknown="<unk>"):
        self.rate = rate
        self.unknown = unknown
        self.rng = random.Random()  # planted

    def __call__(self, words):
        return [self.unknown if self.rng.random() < self.rate else w for w in words]  # also
