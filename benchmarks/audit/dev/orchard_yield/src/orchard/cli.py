import argparse
import time

from orchard.experiment import run


def main(argv=None):
    parser = argparse.ArgumentParser(prog="orchard")
    parser.add_argument("--data", default="orchard.npz")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--resume", default=None)
    options = vars(parser.parse_args(argv))
    began = time.perf_counter()
    run(**options)
    print(f"{time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
