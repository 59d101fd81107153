import argparse

import torch
from torch.utils.data import DataLoader, RandomSampler, TensorDataset


def loader_options(args, train):
    options = {"batch_size": args.batch, "num_workers": args.workers, "shuffle": train}
    if train:
        generator = torch.Generator()
        generator.manual_seed(args.seed)
        options["generator"] = generator
        options["drop_last"] = True
    return options


def probe_sampler(data, n, seed):
    g = torch.Generator().manual_seed(seed)
    return RandomSampler(data, replacement=True, num_samples=n, generator=g)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--batch", type=int, default=64)
    ap.add_argument("--workers", type=int, default=2)
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    torch.manual_seed(args.seed)

    blob = torch.load("commands.pt")
    data = TensorDataset(blob["wave"], blob["word"])
    train = DataLoader(data, **loader_options(args, train=True))
    ordered = DataLoader(data, **loader_options(args, train=False))
    probe = DataLoader(data, batch_size=args.batch, sampler=probe_sampler(data, 1000, args.seed))
    for name, loader in (("train", train), ("ordered", ordered), ("probe", probe)):
        mean = torch.stack([wave.float().mean() for wave, _ in loader]).mean()
        print(f"{name}: {mean:.6f}")


if __name__ == "__main__":
    main()
