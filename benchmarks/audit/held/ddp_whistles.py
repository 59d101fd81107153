"""torchrun --nproc-per-node 4 ddp_whistles.py"""

import argparse
import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=25)
    args = parser.parse_args()
    dist.init_process_group("nccl")
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    torch.manual_seed(args.seed)

    blob = torch.load("whistles.pt")
    dataset = TensorDataset(blob["spectra"], blob["species"])
    sampler = DistributedSampler(dataset, seed=args.seed)
    loader = DataLoader(dataset, batch_size=64, sampler=sampler, num_workers=2)
    model = nn.Sequential(nn.Linear(513, 256), nn.ReLU(), nn.Linear(256, 30)).to(device)
    model = DistributedDataParallel(model, device_ids=[device.index])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    for epoch in range(args.epochs):
        for spectra, species in loader:
            loss = nn.functional.cross_entropy(model(spectra.to(device)), species.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if dist.get_rank() == 0:
            print(f"epoch {epoch}: {loss.item():.4f}")
    if dist.get_rank() == 0:
        torch.save(model.module.state_dict(), "whistles_net.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
