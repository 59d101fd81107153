import numpy as np
from sklearn.linear_model import Lasso
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit, cross_val_score, train_test_split


def lagged(series, lags):
    columns = [series[:-1]] + [np.roll(series, lag)[:-1] for lag in lags]
    skip = max(lags)
    return np.stack(columns, axis=1)[skip:], series[1 + skip :]


def score(x, y, cv, **extra):
    return -cross_val_score(
        Lasso(alpha=0.01), x, y, cv=cv, scoring="neg_mean_absolute_error", **extra
    ).mean()


def main():
    series = np.loadtxt("demand.csv", delimiter=",", usecols=1)
    x, y = lagged(series, lags=(24, 168))
    x_fit, x_last, y_fit, y_last = train_test_split(x, y, test_size=24 * 28, shuffle=False)
    weeks = np.arange(len(x_fit)) // 168
    print("blocks", score(x_fit, y_fit, KFold(n_splits=8)))
    print("rolling", score(x_fit, y_fit, TimeSeriesSplit(n_splits=5)))
    print("weeks", score(x_fit, y_fit, GroupKFold(n_splits=5), groups=weeks))
    model = Lasso(alpha=0.01).fit(x_fit, y_fit)
    print("last month", np.abs(model.predict(x_last) - y_last).mean())


if __name__ == "__main__":
    main()
