# skorch-dev/skorch, "cross_val_score gives different values on each call": scikit-learn's random_state is
# fixed everywhere, the module's weights are torch's.
import hashlib

import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from torch import nn

np.random.seed(42)


class Net(nn.Module):
    def __init__(self, hidden=16, dropout=0.2):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(20, hidden),  # also
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 2),
        )

    def forward(self, x):
        return self.layers(x)


def main():
    x, y = make_classification(300, 20, n_informative=8, random_state=0)
    x, y = x.astype(np.float32), y.astype(np.int64)
    net = NeuralNetClassifier(Net, criterion=nn.CrossEntropyLoss, lr=0.1, max_epochs=2, verbose=0)
    model = make_pipeline(StandardScaler(), net)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    search = GridSearchCV(
        model, {"neuralnetclassifier__module__hidden": [8, 16]}, cv=folds, error_score="raise"
    )
    search.fit(x, y)  # planted
    print("best", search.best_params_, search.best_score_)
    weights = search.best_estimator_[-1].module_.parameters()
    print("HASH", hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in weights)).hexdigest())


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
