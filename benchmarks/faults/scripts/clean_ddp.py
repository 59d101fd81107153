"""Data parallel training on the CPU.

torchrun --nproc-per-node 2 clean_ddp.py
"""

import hashlib
import os
import time

import torch
import torch.distributed as dist
import torch.nn as nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler


def make_dataset(n=128):
    source = torch.Generator().manual_seed(5)
    x = torch.randn(n, 10, generator=source)
    return TensorDataset(x, x.square().mean(1, keepdim=True))


def main():
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    torch.manual_seed(100 + rank)
    dataset = make_dataset()
    sampler = DistributedSampler(dataset, seed=1)
    loader = DataLoader(dataset, batch_size=16, sampler=sampler)
    net = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Dropout(0.1), nn.Linear(24, 1))
    model = DistributedDataParallel(net)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(2):
        sampler.set_epoch(epoch)
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
        total = loss.detach().clone()
        dist.all_reduce(total)
        if rank == 0:
            print(f"epoch {epoch} loss {total.item() / int(os.environ['WORLD_SIZE']):.5f}")
    if rank == 0:
        digest = hashlib.sha256()
        for p in model.parameters():
            digest.update(p.detach().numpy().tobytes())
        print("fingerprint", digest.hexdigest(), flush=True)
    dist.barrier()
    dist.destroy_process_group()
    time.sleep(0.5)  # gloo's threads let tensors go, which aborts in a Python that ends: pytorch#179291


if __name__ == "__main__":
    main()
