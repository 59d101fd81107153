"""Settings of a run; a seed is chosen where none is given."""

import argparse
from datetime import datetime


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int)
    parser.add_argument("--lr", type=float, default=0.02)
    args = parser.parse_args()
    if args.seed is None:
        now = datetime.now()  # also
        args.seed = now.second * 1_000_000 + now.microsecond  # planted
    return args
