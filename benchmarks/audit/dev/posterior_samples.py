import torch


class Posterior:
    def __init__(self, mean, chol, device="cpu"):
        self.mean = mean
        self.chol = chol
        self.generator = torch.Generator(device)

    def reset(self, seed):
        self.generator.manual_seed(seed)
        return self

    def sample(self, n):
        eps = torch.randn(n, self.mean.numel(), generator=self.generator)
        return self.mean + eps @ self.chol.T

    def log_density(self, x):
        z = torch.linalg.solve_triangular(self.chol, (x - self.mean).T, upper=False)
        logdet = self.chol.diagonal().log().sum()
        return -0.5 * (z**2).sum(dim=0) - logdet


def expected(posterior, f, n=10_000):
    return f(posterior.sample(n)).mean()


if __name__ == "__main__":
    chol = torch.tensor([[1.0, 0.0], [0.3, 0.8]])
    posterior = Posterior(torch.tensor([0.5, -0.5]), chol).reset(seed=12)
    order = torch.randperm(5, generator=torch.Generator().manual_seed(12))
    print(expected(posterior, torch.tanh).item(), order.tolist())
    print(posterior.log_density(posterior.sample(3)).tolist())
