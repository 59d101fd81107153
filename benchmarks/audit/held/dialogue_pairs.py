import argparse
import json
import random


def make_pairs(turns, rng, negatives):
    pairs = []
    for i in range(len(turns) - 1):
        pairs.append((turns[i], turns[i + 1], 1))
        for _ in range(negatives):
            pairs.append((turns[i], rng.choice(turns), 0))
    return pairs


def subsample(pairs, limit, rng=None):
    rng = rng or random.Random(0)
    return pairs if len(pairs) <= limit else rng.sample(pairs, limit)


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("dialogues")
    parser.add_argument("--negatives", type=int, default=3)
    parser.add_argument("--limit", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=20)
    args = parser.parse_args(argv)

    rng = random.Random(args.seed)
    pairs = []
    with open(args.dialogues) as f:
        for line in f:
            pairs.extend(make_pairs(json.loads(line)["turns"], rng, args.negatives))
    rng.shuffle(pairs)
    for left, right, label in subsample(pairs, args.limit, rng):
        print(json.dumps([left, right, label]))


if __name__ == "__main__":
    main()
