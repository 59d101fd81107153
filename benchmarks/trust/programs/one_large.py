"""One large table of which each step touches a few rows: reading all of it costs more than the step."""

import torch
import weights

torch.manual_seed(16)
table = torch.nn.Embedding(200_000, 16)
torch.nn.init.zeros_(table.weight)
head = torch.nn.Linear(16, 16)
optimizer = torch.optim.SGD([*table.parameters(), *head.parameters()], lr=0.1)
for _ in range(24):
    ids = torch.randint(200_000, (4,))
    optimizer.zero_grad()
    (head(table(ids)) - 1).pow(2).mean().backward()
    optimizer.step()
weights.show(table, head)
