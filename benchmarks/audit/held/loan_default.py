import numpy as np
import pandas as pd
from sklearn import model_selection
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

TARGET = "default"
DROP = ["customer", "opened", TARGET]


def features(frame):
    frame = frame.copy()
    frame["ratio"] = frame["debt"] / frame["income"].clip(lower=1)
    return pd.get_dummies(frame.drop(columns=DROP), columns=["purpose"]).to_numpy(dtype=float)


def main(path="loans.csv"):
    np.random.seed(7)
    frame = pd.read_csv(path)
    x, y = features(frame), frame[TARGET].to_numpy()
    x_train, x_test, y_train, y_test = model_selection.train_test_split(x, y, test_size=0.2, stratify=y)
    forest = RandomForestClassifier(n_estimators=300, min_samples_leaf=5, random_state=7)
    forest.fit(x_train, y_train)
    auc = roc_auc_score(y_test, forest.predict_proba(x_test)[:, 1])
    print(f"AUC {auc:.4f}")


if __name__ == "__main__":
    main()
