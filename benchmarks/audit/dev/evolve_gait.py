import argparse
import json
import os

import numpy as np


def fitness(genes):
    phase = np.linspace(0, 2 * np.pi, 50)
    wave = genes[0] * np.sin(phase + genes[1]) + genes[2] * np.sin(2 * phase + genes[3])
    return -np.abs(wave - np.sin(phase) ** 3).sum()


def evolve(rng, population=64, generations=200):
    pool = rng.normal(size=(population, 4))
    for _ in range(generations):
        scores = np.array([fitness(genes) for genes in pool])
        parents = pool[np.argsort(-scores, kind="stable")[: population // 4]]
        children = parents[rng.integers(len(parents), size=population)]
        pool = children + 0.05 * rng.normal(size=children.shape)
    return max(pool, key=fitness)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int)
    parser.add_argument("--out", default="gait.json")
    args = parser.parse_args()

    seed = args.seed
    if seed is None:
        seed = int.from_bytes(os.urandom(4), "little")
    print(f"using seed {seed} (give it back with --seed {seed})")
    best = evolve(np.random.default_rng(seed))
    with open(args.out, "w") as handle:
        json.dump({"seed": seed, "genes": best.tolist(), "fitness": float(fitness(best))}, handle)
