import numpy as np


def shift(wave, limit=1600):
    return np.roll(wave, np.random.randint(-limit, limit + 1))


def noise(wave, level=0.005):
    return wave + level * np.random.standard_normal(wave.shape).astype(np.float32)
