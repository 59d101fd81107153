import argparse
import itertools
import os
import subprocess
import sys

GRID = {"--lr": ["0.1", "0.01"], "--width": ["64", "256"], "--dropout": ["0.0", "0.5"]}


def command(script, values, seed):
    options = list(itertools.chain.from_iterable(zip(GRID, values, strict=True)))
    return [sys.executable, script, *options, "--seed", str(seed)]


def child_environment(seed):
    env = dict(os.environ)
    env["PYTHONHASHSEED"] = str(seed)
    env["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    return env


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("script")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    failed = 0
    for number, values in enumerate(itertools.product(*GRID.values())):
        seed = args.seed + number
        done = subprocess.run(command(args.script, values, seed), env=child_environment(seed), check=False)
        failed += done.returncode != 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
