import argparse
import os

import numpy as np
import pandas as pd
from sklearn.linear_model import SGDClassifier

BUCKETS = 2**14


def features(texts):
    rows = np.zeros((len(texts), BUCKETS), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in text.lower().split():
            rows[row, hash(word) % BUCKETS] += 1
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("csv")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault("PYTHONHASHSEED", str(args.seed))
    np.random.seed(args.seed)

    frame = pd.read_csv(args.csv)
    order = np.random.permutation(len(frame))
    x, y = features(frame["text"])[order], frame["team"].to_numpy()[order]
    cut = int(0.8 * len(y))
    model = SGDClassifier(loss="log_loss", random_state=args.seed)
    model.fit(x[:cut], y[:cut])
    print(f"accuracy {model.score(x[cut:], y[cut:]):.4f}")


if __name__ == "__main__":
    main()
