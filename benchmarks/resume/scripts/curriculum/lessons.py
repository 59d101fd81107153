"""Sequences of numbers, longer ones for who has seen more."""

import torch


class Lessons:
    def __init__(self, longest):
        self.longest = longest
        self.seen = 0

    @property
    def length(self):
        return min(self.longest, 2 + self.seen // 40)

    def batch(self, size):
        numbers = torch.rand(size, self.length)
        self.seen += size
        return numbers
