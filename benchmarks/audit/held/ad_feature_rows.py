import zlib
from dataclasses import dataclass

import numpy as np

HOURS = {0, 6, 12, 18}


@dataclass(frozen=True)
class Key:
    field: str
    value: str

    def __hash__(self):
        return hash((self.field, self.value))

    def bucket(self, n):
        return zlib.crc32(f"{self.field}:{self.value}".encode()) % n


class Encoder:
    def __init__(self, n_buckets=4096):
        self.n_buckets = n_buckets
        self.cache = {}

    def row(self, record):
        out = np.zeros(self.n_buckets + len(HOURS), dtype=np.float32)
        for field, value in record.items():
            key = Key(field, str(value))
            if key not in self.cache:
                self.cache[key] = key.bucket(self.n_buckets)
            out[self.cache[key]] += 1.0
        for j, hour in enumerate(sorted(HOURS)):
            out[self.n_buckets + j] = float(int(record["hour"]) == hour)
        return out


def encode_all(records):
    encoder = Encoder()
    return np.stack([encoder.row(r) for r in records])
