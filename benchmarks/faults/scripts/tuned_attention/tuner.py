"""Pick the fastest variant of a function for each shape it sees."""

import time


class Tuner:
    def __init__(self, variants, repeats=3):
        self.variants = variants
        self.repeats = repeats
        self.chosen = {}

    def clock(self, variant, args):
        start = time.perf_counter()
        for _ in range(self.repeats):
            variant(*args)
        return time.perf_counter() - start

    def __call__(self, *args):
        key = tuple(tuple(a.shape) for a in args)
        if key not in self.chosen:
            times = [self.clock(variant, args) for variant in self.variants]  # also
            self.chosen[key] = self.variants[times.index(min(times))]  # planted
        return self.chosen[key](*args)
