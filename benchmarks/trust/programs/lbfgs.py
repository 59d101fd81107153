"""A perceptron trained by L-BFGS, whose closure runs as often as the line search asks."""

import torch
import weights

torch.manual_seed(4)
net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
x = torch.randn(64, 6)
y = x.prod(1, keepdim=True)
optimizer = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=6, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = (net(x) - y).pow(2).mean()
    loss.backward()
    return loss


for _ in range(6):
    loss = optimizer.step(closure)
print(f"loss {loss.item():.9f}")
weights.show(net)
