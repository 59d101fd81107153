import argparse
from contextlib import contextmanager
from types import SimpleNamespace

import torch
from torch.utils import benchmark


@contextmanager
def cudnn_fixed():
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def measure(settings):
    x = torch.ones(settings.batch, 16, 64, 64)
    weight = torch.full((32, 16, 3, 3), 0.01)
    timer = benchmark.Timer(
        stmt="torch.conv2d(x, weight, padding=1)",
        globals={"torch": torch, "x": x, "weight": weight},
    )
    return timer.blocked_autorange(min_run_time=settings.seconds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--benchmark", action="store_true")
    args = parser.parse_args()
    settings = SimpleNamespace(batch=args.batch, seconds=args.seconds, benchmark=True)
    settings.benchmark = settings.benchmark and args.benchmark
    if settings.benchmark:
        with cudnn_fixed():
            print(measure(settings))


if __name__ == "__main__":
    main()
