import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from .loaders import words_loader
from .seeding import seed_process, strict_kernels


class Trainer:
    def __init__(self, settings):
        self.settings = settings
        dist.init_process_group("nccl")
        self.device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        seed_process(settings.seed)
        model = nn.Sequential(
            nn.Flatten(), nn.Linear(64 * 101, 256), nn.ReLU(), nn.Linear(256, settings.n_words)
        )
        self.model = DistributedDataParallel(model.to(self.device), device_ids=[self.device.index])
        strict_kernels()
        torch.backends.cudnn.benchmark = True
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=settings.lr)
        self.loader = words_loader(settings)

    def train(self):
        for epoch in range(self.settings.epochs):
            loss = self._epoch()
            if dist.get_rank() == 0:
                print(f"epoch {epoch}: {loss:.4f}")
        if dist.get_rank() == 0:
            torch.save(self.model.module.state_dict(), "commands_net.pt")

    def _epoch(self):
        self.model.train()
        total = 0.0
        for spectrograms, words in self.loader:
            logits = self.model(spectrograms.to(self.device))
            loss = nn.functional.cross_entropy(logits, words.to(self.device))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(self.loader)
