"""Progressive resizing: move on to larger images when a stage has had its time."""

import time


class Stages:
    def __init__(self, sizes, seconds):
        self.sizes = sizes
        self.seconds = seconds
        self.current = 0
        self.since = time.time()

    @property
    def size(self):
        return self.sizes[self.current]

    def tick(self):
        last = self.current == len(self.sizes) - 1
        if not last and time.time() - self.since > self.seconds:  # planted
            self.current += 1
            self.since = time.time()
