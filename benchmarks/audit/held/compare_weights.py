import argparse

import torch


def load(path):
    state = torch.load(path, map_location="cpu", weights_only=True)
    return state.get("model", state)


def distance(a, b):
    return (a.double() - b.double()).norm().item()


def main():
    parser = argparse.ArgumentParser(description="how far two sets of weights are apart")
    parser.add_argument("first")
    parser.add_argument("second")
    args = parser.parse_args()
    first, second = load(args.first), load(args.second)
    print(f"{len(first)} and {len(second)} tensors")
    for name in first.keys() & second.keys():
        if first[name].shape != second[name].shape:
            print(f"{name}: {tuple(first[name].shape)} against {tuple(second[name].shape)}")
        else:
            print(f"{name}: {distance(first[name], second[name]):.6g}")
    for name in sorted(first.keys() ^ second.keys()):
        print(f"{name}: in one of them only")


if __name__ == "__main__":
    main()
