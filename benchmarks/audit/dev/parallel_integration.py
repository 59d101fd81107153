import multiprocessing

import numpy as np

SAMPLES = 10_000_000
SEED = 271828


def payoff(paths):
    return np.maximum(paths - 1.05, 0.0)


def part(job):
    sequence, count = job
    rng = np.random.default_rng(sequence)
    paths = np.exp(0.2 * rng.standard_normal(count) - 0.02)
    return payoff(paths).sum(), count


def main():
    n_parts = multiprocessing.cpu_count()
    counts = [len(piece) for piece in np.array_split(np.arange(SAMPLES), n_parts)]
    jobs = list(zip(np.random.SeedSequence(SEED).spawn(n_parts), counts, strict=True))
    with multiprocessing.Pool(n_parts) as pool:
        results = pool.map(part, jobs)
    total = sum(value for value, _ in results)
    print(f"price {total / sum(count for _, count in results):.6f}")


if __name__ == "__main__":
    main()
