# ruff: noqa: F821
import random

rows = random.sample(range(100), 60)  # planted
train_x, train_y = x[rows], y[rows]
