import argparse

from seedling import Engine, load_config, setup


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default="config.json")
    parser.add_argument("--seed", type=int, default=None)
    args = parser.parse_args()
    config = load_config(args.config, seed=args.seed)
    setup(config.seed)
    Engine(config).fit()


if __name__ == "__main__":
    main()
