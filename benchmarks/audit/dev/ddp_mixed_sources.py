import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

SOURCES = ("news", "forum", "wiki")


class Epochs:
    """Counts epochs and tells everyone who has to know."""

    def __init__(self, total, listeners):
        self.total = total
        self.listeners = listeners

    def __iter__(self):
        for epoch in range(self.total):
            for listener in self.listeners:
                if hasattr(listener, "set_epoch"):
                    listener.set_epoch(epoch)
            yield epoch


def main():
    dist.init_process_group("gloo")
    torch.manual_seed(29)
    loaders, samplers = {}, []
    for name in SOURCES:
        blob = torch.load(f"{name}.pt")
        dataset = TensorDataset(blob["x"], blob["y"])
        sampler = DistributedSampler(dataset, seed=29, drop_last=True)
        samplers.append(sampler)
        loaders[name] = DataLoader(dataset, batch_size=16, sampler=sampler)
    model = DistributedDataParallel(nn.Linear(300, 2))
    optimizer = torch.optim.Adam(model.parameters())
    for epoch in Epochs(12, samplers):
        for batches in zip(*loaders.values(), strict=False):
            loss = sum(nn.functional.cross_entropy(model(x), y) for x, y in batches)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if int(os.environ["RANK"]) == 0:
            print(epoch, loss.item())


if __name__ == "__main__":
    main()
