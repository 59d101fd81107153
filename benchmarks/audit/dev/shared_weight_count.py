import torch
from torch import nn


def unique_parameters(*modules):
    seen = set()
    out = []
    for module in modules:
        for p in module.parameters():
            if id(p) not in seen:
                seen.add(id(p))
                out.append(p)
    return out


def memo_copy(module, memo=None):
    memo = {} if memo is None else memo
    key = id(module)
    if key not in memo:
        memo[key] = {n: p.detach().clone() for n, p in module.named_parameters()}
    return memo[key]


class Siamese(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.left = nn.Linear(dim, dim)
        self.right = self.left
        self.out = nn.Bilinear(dim, dim, 1)

    def forward(self, a, b):
        return self.out(torch.relu(self.left(a)), torch.relu(self.right(b)))


def main():
    torch.manual_seed(0)
    model = Siamese(16)
    before = memo_copy(model)
    opt = torch.optim.SGD(unique_parameters(model.left, model.right, model.out), lr=0.05)
    a, b = torch.randn(64, 16), torch.randn(64, 16)
    for _ in range(10):
        loss = model(a, b).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    for name, p in model.named_parameters():
        print(name, (p - before[name]).norm().item())


if __name__ == "__main__":
    main()
