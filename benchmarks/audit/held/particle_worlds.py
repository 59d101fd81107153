import argparse
from multiprocessing import Pool

import numpy as np


def world(seed_sequence, particles=32, steps=200):
    rng = np.random.default_rng(seed_sequence)
    pos = rng.uniform(-1, 1, (particles, 2))
    vel = rng.normal(0, 0.05, (particles, 2))
    frames = np.zeros((steps, particles, 2), dtype=np.float32)
    for t in range(steps):
        vel += rng.normal(0, 0.002, vel.shape) - 0.001 * pos
        pos += vel
        frames[t] = pos
    return frames


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--worlds", type=int, default=400)
    args = ap.parse_args()

    root = np.random.SeedSequence(args.seed)
    legacy = np.random.RandomState(np.random.MT19937(root.spawn(1)[0]))
    with Pool(4) as pool:
        frames = pool.map(world, root.spawn(args.worlds))
    order = legacy.permutation(len(frames))
    np.save("worlds.npy", np.stack(frames)[order])


if __name__ == "__main__":
    main()
