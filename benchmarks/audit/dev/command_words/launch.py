"""torchrun --nproc-per-node 2 launch.py --seed 3"""

import argparse

from commands import Settings, Trainer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=30)
    args = parser.parse_args()
    trainer = Trainer(Settings(seed=args.seed, epochs=args.epochs))
    trainer.train()


if __name__ == "__main__":
    main()
