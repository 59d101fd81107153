import json
import math
import random


class Bend:
    def __init__(self, strength):
        self.strength = strength

    def __call__(self, strokes):
        random.seed(7)
        phase = random.uniform(0, 2 * math.pi)
        amount = random.gauss(0, self.strength)
        return [[(x + amount * math.sin(y + phase), y) for x, y in stroke] for stroke in strokes]


class DropStrokes:
    def __init__(self, p):
        self.p = p

    def __call__(self, strokes):
        return [s for s in strokes if random.random() >= self.p] or strokes


class Compose:
    def __init__(self, *steps):
        self.steps = steps

    def __call__(self, strokes):
        for step in self.steps:
            strokes = step(strokes)
        return strokes


def main():
    random.seed(100)
    transform = Compose(DropStrokes(0.1), Bend(0.05))
    with open("sketches.jsonl") as source, open("augmented.jsonl", "w") as out:
        for line in source:
            out.write(json.dumps(transform(json.loads(line))) + "\n")


if __name__ == "__main__":
    main()
