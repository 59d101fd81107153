import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from denoiser.checkpoint import save
from denoiser.data import make_loader
from denoiser.noise import corrupt
from denoiser.options import parse
from denoiser.seed import set_seed


def make_network(width):
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, 1, 3, padding=1),
    )


def main():
    opts = parse()
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    net = DistributedDataParallel(make_network(opts.width))
    set_seed(opts.seed + 1000 * rank)
    loader = make_loader(opts.data, opts.batch_size, opts.seed)
    optimizer = torch.optim.Adam(net.parameters(), lr=opts.lr)
    for epoch in range(opts.epochs):
        for clean in loader:
            loss = nn.functional.mse_loss(net(corrupt(clean, opts.sigma)), clean)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if rank == 0:
            save(os.path.join(opts.out, f"epoch_{epoch:03d}.pt"), net.module, optimizer, epoch)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
