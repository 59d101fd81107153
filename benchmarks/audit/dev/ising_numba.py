import numpy as np
from numba import njit


@njit(cache=True)
def sweep(spins, beta):
    n = spins.shape[0]
    for _ in range(n * n):
        i = np.random.randint(n)
        j = np.random.randint(n)
        around = spins[(i + 1) % n, j] + spins[i - 1, j] + spins[i, (j + 1) % n] + spins[i, j - 1]
        cost = 2.0 * spins[i, j] * around
        if cost <= 0 or np.random.random() < np.exp(-beta * cost):
            spins[i, j] = -spins[i, j]


def lattice(n, beta, sweeps):
    spins = np.where(np.random.random((n, n)) < 0.5, 1, -1).astype(np.int8)
    for _ in range(sweeps):
        sweep(spins, beta)
    return spins


def main():
    np.random.seed(15)
    betas = np.linspace(0.2, 0.7, 26)
    fields = np.stack([lattice(32, beta, 500) for beta in betas])
    np.savez("ising.npz", fields=fields, betas=betas)
    print(np.abs(fields.mean(axis=(1, 2))))


if __name__ == "__main__":
    main()
