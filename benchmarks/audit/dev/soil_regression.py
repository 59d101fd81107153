import argparse

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

GRID = {"ridge__alpha": np.logspace(-3, 3, 13)}


def load(path):
    table = np.genfromtxt(path, delimiter=";", skip_header=1)
    table = table[~np.isnan(table).any(axis=1)]
    return table[:, :-1], table[:, -1]


def search(x, y, splits, test_size):
    cv = ShuffleSplit(n_splits=splits, test_size=test_size)
    model = make_pipeline(StandardScaler(), Ridge())
    grid = GridSearchCV(model, GRID, cv=cv, scoring="neg_mean_absolute_error")
    return grid.fit(x, y)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("table")
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--test-size", type=float, default=0.25)
    args = parser.parse_args()
    grid = search(*load(args.table), args.splits, args.test_size)
    print(grid.best_params_, -grid.best_score_)


if __name__ == "__main__":
    main()
