import argparse
from multiprocessing import Pool

import numpy as np

VOCAB = {ch: i for i, ch in enumerate("abcdefghijklmnopqrstuvwxyz .,\n")}


def encode(text):
    return np.array([VOCAB[c] for c in text.lower() if c in VOCAB], dtype=np.uint8)


def documents(path):
    with open(path) as f:
        buffer = []
        for line in f:
            if line.strip():
                buffer.append(line)
            elif buffer:
                yield "".join(buffer)
                buffer = []
        if buffer:
            yield "".join(buffer)


def main():
    ap = argparse.ArgumentParser(description="text to one flat array of ids")
    ap.add_argument("source")
    ap.add_argument("target")
    ap.add_argument("-j", "--jobs", type=int, default=4)
    args = ap.parse_args()

    total = 0
    with Pool(args.jobs) as pool, open(args.target, "wb") as out:
        for ids in pool.imap_unordered(encode, documents(args.source), chunksize=64):
            out.write(ids.tobytes())
            total += len(ids)
    print(f"{total} tokens")


if __name__ == "__main__":
    main()
