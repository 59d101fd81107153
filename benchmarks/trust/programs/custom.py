"""A custom autograd.Function, hooks on gradients, and an optimizer of one's own."""

import torch
import weights


class Clamp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(-1, 1)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * (x.abs() < 1.5)


class Lion(torch.optim.Optimizer):
    def __init__(self, parameters, lr):
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                p.add_(mean.lerp(p.grad, 0.1).sign(), alpha=-group["lr"])
                mean.lerp_(p.grad, 0.01)


torch.manual_seed(14)
net = torch.nn.Sequential(torch.nn.Linear(6, 12), torch.nn.Linear(12, 6))
net[1].weight.register_hook(lambda gradient: gradient * 0.5)
optimizer = Lion(net.parameters(), 1e-3)
for _ in range(16):
    x = torch.randn(8, 6)
    optimizer.zero_grad()
    (Clamp.apply(net(x)) - x).pow(2).sum().backward()
    optimizer.step()
weights.show(net)
