import numpy as np

EPS = 1e-9


def add_noise(wave, snr_db, rng=None):
    noise = (rng or np.random).normal(size=wave.shape).astype(wave.dtype)
    power = np.mean(wave**2) / (np.mean(noise**2) + EPS)
    return wave + noise * np.sqrt(power / 10 ** (snr_db / 10))


def random_gain(wave, low=-6.0, high=6.0):
    return wave * 10 ** (np.random.uniform(low, high) / 20)


def time_mask(spec, width):
    start = np.random.randint(0, max(1, spec.shape[1] - width))
    out = spec.copy()
    out[:, start : start + width] = out.mean()
    return out


class Compose:
    def __init__(self, *steps, p=0.5):
        self.steps = steps
        self.p = p

    def __call__(self, wave):
        for step in self.steps:
            if np.random.rand() < self.p:
                wave = step(wave)
        return wave
