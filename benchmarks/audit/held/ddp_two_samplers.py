import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

CFG = dict(seed=18, epochs=40, batch_size=128, lr=1e-3)


def loaders(train, val):
    train_sampler = DistributedSampler(train, seed=CFG["seed"])
    val_sampler = DistributedSampler(val, shuffle=False)
    train_loader = DataLoader(train, batch_size=CFG["batch_size"], sampler=train_sampler)
    val_loader = DataLoader(val, batch_size=CFG["batch_size"], sampler=val_sampler)
    return train_loader, val_loader


@torch.no_grad()
def validate(model, loader, device):
    model.eval()
    sums = torch.zeros(2, device=device)
    for x, y in loader:
        sums[0] += nn.functional.mse_loss(model(x.to(device)), y.to(device), reduction="sum")
        sums[1] += len(x)
    dist.all_reduce(sums)
    model.train()
    return (sums[0] / sums[1]).item()


def main():
    dist.init_process_group("nccl")
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    torch.manual_seed(CFG["seed"])
    blob = torch.load("turbines.pt")
    parts = [TensorDataset(blob[f"{name}_x"], blob[f"{name}_y"]) for name in ("train", "val")]
    train_loader, val_loader = loaders(*parts)
    model = nn.Sequential(nn.Linear(24, 96), nn.SiLU(), nn.Linear(96, 1)).to(device)
    model = DistributedDataParallel(model, device_ids=[device.index])
    optimizer = torch.optim.Adam(model.parameters(), lr=CFG["lr"])
    for epoch in range(CFG["epochs"]):
        val_loader.sampler.set_epoch(epoch)
        for x, y in train_loader:
            loss = nn.functional.mse_loss(model(x.to(device)), y.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        score = validate(model, val_loader, device)
        if dist.get_rank() == 0:
            print(epoch, score)


if __name__ == "__main__":
    main()
