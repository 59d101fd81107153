import hashlib

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import KFold


def train_test_split(names, test_share=0.2):
    """Split by a digest of the name, so that a molecule never changes sides."""
    digests = [int(hashlib.sha256(n.encode()).hexdigest()[:8], 16) / 16**8 for n in names]
    test = np.array(digests) < test_share
    return np.flatnonzero(~test), np.flatnonzero(test)


def cross_validate(x, y, folds, seed):
    errors = []
    for train, valid in KFold(folds, shuffle=True, random_state=seed).split(x):
        model = GradientBoostingRegressor(random_state=seed).fit(x[train], y[train])
        errors.append(np.abs(model.predict(x[valid]) - y[valid]).mean())
    return np.mean(errors)


def main(seed=13):
    blob = np.load("molecules.npz", allow_pickle=True)
    train, test = train_test_split(list(blob["names"]))
    x, y = blob["fingerprints"], blob["log_s"]
    print("cv", cross_validate(x[train], y[train], 5, seed))
    model = GradientBoostingRegressor(n_estimators=400, random_state=seed).fit(x[train], y[train])
    print("test", np.abs(model.predict(x[test]) - y[test]).mean())


if __name__ == "__main__":
    main()
