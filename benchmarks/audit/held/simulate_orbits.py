"""Training pairs (state, state after 1000 steps) for a surrogate of a two-body integrator."""

from multiprocessing import Pool

import numpy as np

STEP = 1e-3


def integrate(state, steps=1000):
    pos, vel = state[:2].copy(), state[2:].copy()
    for _ in range(steps):
        vel -= STEP * pos / np.linalg.norm(pos) ** 3
        pos += STEP * vel
    return np.concatenate([pos, vel])


def job(state):
    return np.concatenate([state, integrate(state)])


def simulate(count, seed, processes):
    rng = np.random.default_rng(seed)
    states = rng.normal(size=(count, 4)) + np.array([1.0, 0.0, 0.0, 1.0])
    pairs = []
    with Pool(processes) as pool:
        for state in states:
            pool.apply_async(job, (state,), callback=pairs.append)
        pool.close()
        pool.join()
    return np.stack(pairs)


if __name__ == "__main__":
    table = simulate(count=10_000, seed=77, processes=6)
    np.save("orbits_train.npy", table[:9000])
    np.save("orbits_test.npy", table[9000:])
