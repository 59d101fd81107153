import imgaug as ia
import imgaug.augmenters as iaa
import numpy as np
from numba import njit


@njit
def seed_numba(value):
    np.random.seed(value)


@njit
def walk(steps, bias):
    path = np.zeros((steps, 2))
    for t in range(1, steps):
        path[t, 0] = path[t - 1, 0] + np.random.normal() + bias
        path[t, 1] = path[t - 1, 1] + np.random.normal()
    return path


def draw(path, side=64):
    image = np.zeros((side, side, 1), dtype=np.uint8)
    scaled = (path - path.min(axis=0)) / (np.ptp(path, axis=0) + 1e-9) * (side - 1)
    rows = scaled.astype(int)
    image[rows[:, 1], rows[:, 0], 0] = 255
    return image


def main(seed=18):
    seed_numba(seed)
    ia.seed(seed)
    blur = iaa.GaussianBlur(sigma=(0.0, 1.0))
    images, labels = [], []
    for k in range(2000):
        images.append(draw(walk(300, 0.2 if k % 2 else 0.0)))
        labels.append(k % 2)
    np.savez("walkers.npz", images=blur(images=np.stack(images)), labels=np.array(labels))


if __name__ == "__main__":
    main()
