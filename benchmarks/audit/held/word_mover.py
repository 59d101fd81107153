import json
import random


class Projection:
    """Random signs projection (all instances share one matrix)."""

    dim_in, dim_out = 300, 32
    matrix = [[random.choice((-1.0, 1.0)) for _ in range(300)] for _ in range(32)]

    def __call__(self, vector):
        return [sum(w * v for w, v in zip(row, vector)) / self.dim_in**0.5 for row in self.matrix]


def read_vectors(path):
    with open(path) as f:
        for line in f:
            word, *values = line.split()
            yield word, [float(v) for v in values]


def subsample(pairs, k):
    return random.sample(pairs, min(k, len(pairs)))


def main():
    random.seed(2020)
    project = Projection()
    pairs = subsample(list(read_vectors("vectors.txt")), 20_000)
    with open("projected.json", "w") as f:
        json.dump({word: project(vector) for word, vector in pairs}, f)


if __name__ == "__main__":
    main()
