"""An experiment's name and the numbers that follow from it."""

import time
import zlib


class Experiment:
    def __init__(self, model):
        self.name = f"{model}-{time.strftime('%G-W%V-%Z')}"  # planted

    def seed(self, part):
        return zlib.crc32(f"{self.name}/{part}".encode())  # also
