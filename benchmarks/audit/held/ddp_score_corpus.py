import argparse
import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def shard(dataset, batch_size):
    sampler = DistributedSampler(dataset, shuffle=False)
    return DataLoader(dataset, batch_size=batch_size, sampler=sampler)


def adapt(model, loader, device, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x.to(device)), y.to(device)).backward()
            optimizer.step()


@torch.no_grad()
def score(model, loader, device):
    return torch.cat([model(x.to(device)).softmax(-1).cpu() for x, _ in loader])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=2)
    args = parser.parse_args()
    dist.init_process_group("nccl")
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    torch.manual_seed(args.seed)
    blob = torch.load("corpus.pt")
    dataset = TensorDataset(blob["x"], blob["y"])
    model = DistributedDataParallel(nn.Linear(768, 8).to(device), device_ids=[device.index])
    adapt(model, shard(dataset, 64), device, args.epochs)
    scores = score(model, shard(dataset, 512), device)
    torch.save(scores, f"scores_{dist.get_rank()}.pt")


if __name__ == "__main__":
    main()
