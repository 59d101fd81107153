"""Eighty small tensors and tiny steps: reading them all costs more than the step, a schedule reads some."""

import torch
import weights

torch.manual_seed(15)
torch.set_num_threads(1)
net = torch.nn.Sequential(*[torch.nn.Linear(8, 8) for _ in range(40)])
optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
for _ in range(120):
    net(torch.randn(4, 8)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
weights.show(net)
