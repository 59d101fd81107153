import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss

DATA = np.load("clicks.npz")
ORDER = np.random.permutation(len(DATA["y"]))
CUT = int(0.9 * len(ORDER))


def part(rows):
    return DATA["x"][rows], DATA["y"][rows]


def minibatches(rows, size):
    rows = np.random.permutation(rows)
    for start in range(0, len(rows), size):
        yield part(rows[start : start + size])


def main(seed=0, epochs=5):
    np.random.seed(seed)
    model = SGDClassifier(loss="log_loss", alpha=1e-5, random_state=seed)
    for epoch in range(epochs):
        for x, y in minibatches(ORDER[:CUT], 512):
            model.partial_fit(x, y, classes=[0, 1])
        x, y = part(ORDER[CUT:])
        print(epoch, log_loss(y, model.predict_proba(x)))
    np.save("weights.npy", model.coef_)


if __name__ == "__main__":
    main()
