import argparse

from tides.pipeline import run


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="tides.npy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--resume")
    args = parser.parse_args()
    run(args.data, epochs=args.epochs, seed=args.seed, resume=args.resume)


if __name__ == "__main__":
    main()
