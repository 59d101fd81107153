"""Collating: one random window of each document."""

import random

import torch


class WindowCollator:
    def __init__(self, size):
        self.size = size
        self.rng = random.Random()  # planted

    def __call__(self, documents):
        windows = []
        for document in documents:
            start = self.rng.randint(0, len(document) - self.size)  # also
            windows.append(document[start : start + self.size])
        return torch.stack(windows)
