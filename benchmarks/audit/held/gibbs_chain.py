import torch


class BinaryField:
    """Restricted Boltzmann machine sampled by block Gibbs steps."""

    def __init__(self, weights, visible_bias, hidden_bias):
        self.w = weights
        self.a = visible_bias
        self.b = hidden_bias
        self.generator = torch.Generator(device=weights.device)

    def bernoulli(self, p):
        return torch.bernoulli(p, generator=self.generator)

    def step(self, v):
        h = self.bernoulli(torch.sigmoid(v @ self.w + self.b))
        return self.bernoulli(torch.sigmoid(h @ self.w.T + self.a))

    def chain(self, v, steps):
        for _ in range(steps):
            v = self.step(v)
        return v


def main():
    state = torch.load("rbm.pt")
    field = BinaryField(state["w"], state["a"], state["b"])
    start = torch.zeros(64, state["a"].numel())
    torch.save(field.chain(start, 1000).bool(), "samples.pt")


if __name__ == "__main__":
    main()
