from dataclasses import dataclass

import torch


@dataclass
class Rotate:
    degrees: float

    def __call__(self, x, g):
        angle = (torch.rand((), generator=g) * 2 - 1) * self.degrees * torch.pi / 180
        c, s = torch.cos(angle), torch.sin(angle)
        return x @ torch.stack([torch.stack([c, -s]), torch.stack([s, c])])


class Jitter:
    def __init__(self, std):
        self.std = std

    def __repr__(self):
        return f"Jitter(std={self.std})"

    def __call__(self, x, g):
        return x + torch.randn(x.shape, generator=g) * self.std


class Pipeline:
    def __init__(self, ops, seed):
        self.ops = sorted(ops, key=repr)
        self.g = torch.Generator().manual_seed(seed)
        self.calls = {id(op): 0 for op in ops}

    def __call__(self, points):
        for op in self.ops:
            points = op(points, self.g)
            self.calls[id(op)] += 1
        return points


if __name__ == "__main__":
    pipe = Pipeline([Rotate(15.0), Jitter(0.02), Jitter(0.1)], seed=6)
    cloud = torch.linspace(0, 1, 40).reshape(20, 2)
    print(pipe(cloud).mean(dim=0))
