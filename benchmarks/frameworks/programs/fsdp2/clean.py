# Sharded training, each rank seeded by a number and its rank.
import hashlib

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width), nn.Dropout(0.1)
        )

    def forward(self, x):
        return x + self.mlp(self.norm(x))


def full(p):
    return p.full_tensor() if isinstance(p, DTensor) else p


def main():
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    mesh = init_device_mesh("cpu", (world,))
    torch.manual_seed(0)
    model = nn.Sequential(Block(16), Block(16), nn.Linear(16, 1))
    for layer in model:
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    seed = 1000 + rank
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(10 + rank)
    x = torch.randn(96, 16, generator=g)
    y = x.sum(1, keepdim=True)
    for _ in range(2):
        for i in range(0, 96, 16):
            loss = nn.functional.mse_loss(model(x[i : i + 16]), y[i : i + 16])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    weights = [full(p).detach().numpy().tobytes() for p in model.parameters()]
    if rank == 0:
        print("HASH", hashlib.sha256(b"".join(weights)).hexdigest(), flush=True)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
