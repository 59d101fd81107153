import argparse
import os

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from regressor import state
from regressor.data import build_loader
from regressor.model import MLP
from regressor.seeding import seed_streams


def run(args):
    rank = dist.get_rank()
    seed_streams(args.seed, rank)
    sampler, loader = build_loader(args.table, args.batch_size, args.seed, rank)
    model = MLP(dim=16, width=args.width)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    path = os.path.join(args.out, f"last_{rank}.pt")
    first = state.load(path, model, optimizer, loader.generator) if os.path.exists(path) else 0
    wrapped = DistributedDataParallel(model)
    for epoch in range(first, args.epochs):
        sampler.set_epoch(epoch)
        for x, y in loader:
            loss = torch.nn.functional.huber_loss(wrapped(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        state.save(path, model, optimizer, epoch + 1, loader.generator)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("table")
    ap.add_argument("--out", default=".")
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--width", type=int, default=128)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--epochs", type=int, default=10)
    ap.add_argument("--batch-size", type=int, default=64)
    args = ap.parse_args()
    dist.init_process_group("gloo")
    run(args)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
