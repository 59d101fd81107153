from dataclasses import dataclass, field
from datetime import datetime, timedelta

import torch
from torch import nn
from torch.utils.data import DataLoader


@dataclass
class SlotLimit:
    hours: float
    opened: datetime = field(default_factory=datetime.now)

    def should_stop(self):
        return datetime.now() > self.opened + timedelta(hours=self.hours) - timedelta(minutes=10)


class SlotTrainer:
    def __init__(self, model, dataset, hours=8.0, seed=0):
        self.model = model
        order = torch.Generator().manual_seed(seed)
        self.loader = DataLoader(dataset, batch_size=32, shuffle=True, generator=order)
        self.limit = SlotLimit(hours)
        self.optimizer = torch.optim.RAdam(model.parameters())

    def fit(self, max_epochs):
        for epoch in range(max_epochs):
            for inputs, targets in self.loader:
                loss = nn.functional.smooth_l1_loss(self.model(inputs), targets)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            if self.limit.should_stop():
                print(f"slot is over after epoch {epoch}")
                break
        torch.save(self.model.state_dict(), "slot_model.pt")
