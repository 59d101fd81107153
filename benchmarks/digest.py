"""How fast a tensor is fingerprinted: ours beside torch.hash_tensor, xxhash's xxh3, x.sum() and a copy.

Each round times every rival once, in turn; the table shows the median GB/s.  Writes results/digest.csv.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import xxhash

from benchmarks.machine import describe, write
from samebits.observe.observer import load


def rivals(x: torch.Tensor) -> dict[str, Callable[[], Any]]:
    observer = load()
    flat = x.numpy()
    copy = torch.empty_like(x)
    return {
        "samebits": lambda: observer.digest(x),
        "xxh3_128": lambda: xxhash.xxh3_128_intdigest(flat),
        "torch.hash_tensor": lambda: torch.hash_tensor(x),
        "x.sum()": lambda: x.sum(),
        "copy": lambda: copy.copy_(x),
    }


def main() -> int:
    rows = []
    print(f"{'float32 elements':>17} {'threads':>7} " + " ".join(f"{n:>18}" for n in rivals(torch.zeros(1))))
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for n in (100, 10_000, 1_000_000, 100_000_000):
            x = torch.randn(n)
            seconds: dict[str, list[float]] = {}
            calls = max(1, 200_000 // n)
            for _ in range(9 if n > 10**6 else 31):
                for name, call in rivals(x).items():
                    began = time.perf_counter()
                    for _ in range(calls):
                        call()
                    seconds.setdefault(name, []).append((time.perf_counter() - began) / calls)
            row: dict[str, Any] = {"elements": n, "threads": threads}
            for name, values in seconds.items():
                row[name] = 4 * n / statistics.median(values) / 1e9
            rows.append(row)
            print(
                f"{n:17,} {threads:7} " + " ".join(f"{row[name]:13.2f} GB/s" for name in seconds), flush=True
            )
    write(Path(__file__).parent / "results" / "digest.csv", rows)
    print(describe())
    return 0


if __name__ == "__main__":
    sys.exit(main())
