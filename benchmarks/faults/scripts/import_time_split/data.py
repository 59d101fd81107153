"""The data set and its split, ready when the module is imported."""

import numpy as np
from sklearn.datasets import load_breast_cancer

_table = load_breast_cancer()
features = ((_table.data - _table.data.mean(0)) / _table.data.std(0)).astype(np.float32)
labels = _table.target
order = np.random.permutation(len(labels))  # planted
train_rows, test_rows = order[:400], order[400:]
