import joblib
import numpy as np
from numpy.random import RandomState
from sklearn.tree import DecisionTreeRegressor


class BaggedTrees:
    def __init__(self, members=50, depth=6):
        self.members = members
        self.depth = depth
        self.trees = []

    def fit(self, x, y):
        state = RandomState()
        self.trees = []
        for k in range(self.members):
            rows = state.randint(0, len(x), len(x))
            tree = DecisionTreeRegressor(max_depth=self.depth, random_state=k)
            self.trees.append(tree.fit(x[rows], y[rows]))
        return self

    def predict(self, x):
        return np.mean([t.predict(x) for t in self.trees], axis=0)


if __name__ == "__main__":
    data = np.load("concrete.npz")
    cut = 800
    model = BaggedTrees().fit(data["x"][:cut], data["y"][:cut])
    error = np.abs(model.predict(data["x"][cut:]) - data["y"][cut:]).mean()
    joblib.dump(model, "bagged.joblib")
    print(f"MAE {error:.3f}")
