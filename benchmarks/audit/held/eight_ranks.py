import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

WORLD = 8
BATCH = 512


def check_machine():
    found = torch.cuda.device_count()
    if found < 1:
        raise RuntimeError("no GPU was found")
    print(f"{found} GPUs, {os.cpu_count()} CPUs, {torch.cuda.get_device_name(0)}")


def main():
    check_machine()
    dist.init_process_group("nccl")
    if dist.get_world_size() != WORLD:
        raise RuntimeError(f"this recipe is for {WORLD} processes")
    rank = dist.get_rank()
    device = torch.device("cuda", rank % torch.cuda.device_count())
    torch.manual_seed(1001)
    blob = torch.load("crystals.pt")
    model = DistributedDataParallel(nn.Linear(200, 1).to(device), device_ids=[device.index])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    share = BATCH // WORLD
    for epoch in range(20):
        order = torch.randperm(len(blob["x"]), generator=torch.Generator().manual_seed(epoch))
        for batch in order.split(BATCH):
            rows = batch[rank * share : (rank + 1) * share]
            if len(rows) < share:
                break
            loss = nn.functional.mse_loss(model(blob["x"][rows].to(device)), blob["y"][rows].to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if rank == 0:
            print(epoch, loss.item())


if __name__ == "__main__":
    main()
