import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler


class Trainer:
    def __init__(self, model, dataset, batch_size, lr):
        self.rank = int(os.environ["RANK"])
        self.device = int(os.environ["LOCAL_RANK"])
        self.model = DDP(model.to(self.device), device_ids=[self.device])
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=lr)
        self.loader = DataLoader(
            dataset,
            batch_size=batch_size,
            pin_memory=True,
            sampler=DistributedSampler(dataset, shuffle=True, drop_last=True),
        )

    def run_epoch(self, epoch):
        for source, target in self.loader:
            output = self.model(source.to(self.device))
            loss = nn.functional.cross_entropy(output, target.to(self.device))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        if self.rank == 0:
            print(f"epoch {epoch} loss {loss.item():.4f}")

    def train(self, epochs):
        for epoch in range(epochs):
            self.run_epoch(epoch)
        if self.rank == 0:
            torch.save(self.model.module.state_dict(), "snapshot.pt")


def main():
    dist.init_process_group("nccl")
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    torch.manual_seed(4242)
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
    Trainer(model, torch.load("pairs_dataset.pt", weights_only=False), 32, 1e-3).train(10)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
