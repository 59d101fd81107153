"""Two ranks of one training by torch.multiprocessing, gloo, DistributedDataParallel."""

import os
import socket
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import weights
from torch.nn.parallel import DistributedDataParallel


def train(rank, port):
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK=str(rank), WORLD_SIZE="2")
    dist.init_process_group("gloo")
    torch.manual_seed(20)
    net = DistributedDataParallel(
        torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    data = torch.randn(64, 6)[rank::2]
    for at in range(0, 32, 4):
        optimizer.zero_grad()
        x = data[at : at + 4]
        (net(x) - x.sum(1, keepdim=True)).pow(2).mean().backward()
        optimizer.step()
    if rank == 0:
        weights.show(net)
    dist.destroy_process_group()
    time.sleep(0.5)  # gloo's threads let tensors go, which aborts in a Python that ends: pytorch#179291


if __name__ == "__main__":
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(train, args=(port,), nprocs=2)
