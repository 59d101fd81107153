import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler


def make_loader(seed):
    blob = torch.load("maps.pt")
    dataset = TensorDataset(blob["x"], blob["y"])
    return DataLoader(dataset, batch_size=32, sampler=DistributedSampler(dataset, seed=seed))


def one_epoch(model, loader, optimizer, epoch, device):
    loader.sampler.set_epoch(epoch)
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x.to(device)), y.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def main(seed=13):
    dist.init_process_group("nccl")
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    torch.cuda.set_device(device)
    torch.manual_seed(seed)
    model = DDP(nn.Sequential(nn.Flatten(), nn.Linear(1024, 12)).to(device), device_ids=[device.index])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loader = make_loader(seed)
    for epoch in range(30):
        loss = one_epoch(model, loader, optimizer, epoch, device)
        if dist.get_rank() == 0:
            print(epoch, loss)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
