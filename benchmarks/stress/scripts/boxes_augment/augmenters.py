"""A small library of augmenters, with one generator for all of them."""

import numpy as np

GLOBAL_RNG = np.random.default_rng(42)


def seed(entropy):
    global GLOBAL_RNG
    GLOBAL_RNG = np.random.default_rng(entropy)  # also # twin


class Fliplr:
    def __init__(self, p):
        self.p = p

    def __call__(self, image, box):
        if GLOBAL_RNG.random() < self.p:  # planted # twin
            return image[:, ::-1].copy(), np.array([1 - box[0], box[1]], np.float32)
        return image, box


class AddToBrightness:
    def __init__(self, span):
        self.span = span

    def __call__(self, image, box):
        return image + np.float32(GLOBAL_RNG.uniform(*self.span)), box  # also # twin


class Translate:
    def __init__(self, most):
        self.most = most

    def __call__(self, image, box):
        dy, dx = GLOBAL_RNG.integers(-self.most, self.most + 1, size=2)  # also # twin
        moved = np.array([box[0] + dx / image.shape[1], box[1] + dy / image.shape[0]], np.float32)
        return np.roll(image, (dy, dx), axis=(0, 1)), moved


class Compose:
    def __init__(self, steps):
        self.steps = steps

    def __call__(self, image, box):
        for step in self.steps:
            image, box = step(image, box)
        return image, box


DEFAULT_AUG = Compose([Translate(3), AddToBrightness((-0.4, 0.4)), Fliplr(0.5)])
