import numpy as np


def make_folds(n_rows, n_folds, seed):
    """Return a list of (train, test) index arrays."""
    order = np.random.permutation(n_rows)
    parts = np.array_split(order, n_folds)
    folds = []
    for i, test in enumerate(parts):
        train = np.concatenate([part for j, part in enumerate(parts) if j != i])
        folds.append((train, test))
    return folds


def ridge(x, y, alpha):
    gram = x.T @ x + alpha * np.eye(x.shape[1])
    return np.linalg.solve(gram, x.T @ y)


def main():
    np.random.seed(0)
    table = np.loadtxt("data/energy.csv", delimiter=",", skiprows=1)
    x, y = table[:, :-1], table[:, -1]
    for alpha in (0.1, 1.0, 10.0):
        errors = []
        for train, test in make_folds(len(x), 5, seed=17):
            weights = ridge(x[train], y[train], alpha)
            errors.append(np.mean((x[test] @ weights - y[test]) ** 2))
        print(f"alpha={alpha}: mse {np.mean(errors):.4f} +- {np.std(errors):.4f}")


if __name__ == "__main__":
    main()
