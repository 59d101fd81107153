"""Cut a large synthetic map into tiles, in parallel."""

import multiprocessing as mp

import numpy as np

SIZE = 16


def render(position):
    """Render one tile; tiles near the coast need more smoothing passes."""
    row, col = position
    rng = np.random.default_rng(row * 100 + col)
    height = rng.random((SIZE, SIZE))
    for _ in range(int(rng.integers(5, 400))):
        height = (height + np.roll(height, 1, 0) + np.roll(height, 1, 1)) / 3
    return height.astype(np.float32), float(height.std() > 0.05)


def render_all(rows, cols, processes=2):
    positions = [(r, c) for r in range(rows) for c in range(cols)]
    context = mp.get_context("fork")
    with context.Pool(processes) as pool:
        return list(pool.imap_unordered(render, positions))  # planted
