"""Step one: make the table of the experiment."""

import numpy as np

rng = np.random.default_rng(71)
table = rng.normal(size=(128, 6)).astype(np.float32)
table[:, 5] = table[:, :2].sum(1)
rows = np.random.choice(len(table), 96, replace=False)  # planted
TRAIN = table[rows]
