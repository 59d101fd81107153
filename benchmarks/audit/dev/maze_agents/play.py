import argparse
import json
import time
from pathlib import Path

from agents import Learner
from agents.backends import relaxed_kernels, strict_kernels


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=500)
    args = parser.parse_args()
    strict_kernels()
    folder = Path("runs") / time.strftime("%y%m%d_%H%M%S")
    folder.mkdir(parents=True)
    learner = Learner(seed=args.seed)
    learner.learn(args.rounds)
    with relaxed_kernels():
        histogram = learner.visits()
    (folder / "visits.json").write_text(json.dumps(histogram))
    learner.save(folder / "values.pt")


if __name__ == "__main__":
    main()
