import numpy as np


class DataLoader:
    """Minimal loader over arrays; shuffling is a function of seed and epoch."""

    def __init__(self, *arrays, batch_size=64, shuffle=False, seed=0):
        self.arrays = arrays
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0

    def __iter__(self):
        order = np.arange(len(self.arrays[0]))
        if self.shuffle:
            np.random.default_rng([self.seed, self.epoch]).shuffle(order)
        self.epoch += 1
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            yield tuple(a[rows] for a in self.arrays)


def logistic(w, x):
    return 1 / (1 + np.exp(-x @ w))


def main():
    blob = np.load("adults.npz")
    loader = DataLoader(blob["x"], blob["y"], batch_size=128, shuffle=True)
    w = np.zeros(blob["x"].shape[1])
    for _ in range(10):
        for x, y in loader:
            w -= 0.1 * x.T @ (logistic(w, x) - y) / len(x)
    print("accuracy", ((logistic(w, blob["x"]) > 0.5) == blob["y"]).mean())


if __name__ == "__main__":
    main()
