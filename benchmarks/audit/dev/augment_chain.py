import random


class Flip:
    def __init__(self, p):
        self.p = p

    def __call__(self, x, rng):
        return x[::-1] if rng.random() < self.p else x


class Scale:
    def __init__(self, low, high):
        self.low, self.high = low, high

    def __call__(self, x, rng):
        factor = rng.uniform(self.low, self.high)
        return [v * factor for v in x]


class Chain:
    def __init__(self, steps, seed):
        self.steps = sorted(steps, key=repr)
        self.rng = random.Random(seed)

    def __call__(self, x):
        for step in self.steps:
            x = step(x, self.rng)
        return x


def augment_all(signals, seed=0):
    chain = Chain([Scale(0.8, 1.2), Scale(0.95, 1.05), Flip(0.5)], seed)
    return [chain(s) for s in signals]


if __name__ == "__main__":
    out = augment_all([[0.1, 0.2, 0.3], [1.0, 0.5, 0.25]])
    for row in out:
        print(" ".join(f"{v:.4f}" for v in row))
