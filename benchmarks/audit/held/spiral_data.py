import numpy as np


class Spirals:
    """Two interleaved spirals with radial noise."""

    def __init__(self, n, noise=0.1, turns=2.0):
        self.n = n
        self.noise = noise
        self.turns = turns
        self.rng = np.random.default_rng()

    def arm(self, sign):
        t = np.sqrt(self.rng.uniform(0, 1, self.n)) * self.turns * 2 * np.pi
        r = t + self.noise * self.rng.standard_normal(self.n)
        return np.stack([sign * r * np.cos(t), sign * r * np.sin(t)], axis=1)

    def sample(self):
        x = np.concatenate([self.arm(1), self.arm(-1)])
        y = np.repeat([0, 1], self.n)
        return x.astype(np.float32), y


def main():
    x, y = Spirals(2000).sample()
    np.savez_compressed("spirals.npz", x=x, y=y)
    print("radius", np.linalg.norm(x, axis=1).max())


if __name__ == "__main__":
    main()
