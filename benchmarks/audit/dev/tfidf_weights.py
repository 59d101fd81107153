"""Document-frequency weights for a linear bag-of-words classifier."""

import math
import sys
from collections import Counter

STOP = frozenset("a an the of to in on and or".split())


def tokens(line):
    return [w for w in line.lower().split() if w.isalpha() and w not in STOP]


def document_frequency(docs):
    df = Counter()
    for doc in docs:
        df.update(set(doc))
    return df


def build(docs, min_count=2):
    df = document_frequency(docs)
    kept = {w for w, n in df.items() if n >= min_count}
    vocab = {w: i for i, w in enumerate(sorted(kept))}
    idf = [math.log(len(docs) / df[w]) for w in vocab]
    return vocab, idf


def main():
    with open(sys.argv[1]) as f:
        lines = list(dict.fromkeys(line.strip() for line in f))
    docs = [tokens(line) for line in lines]
    vocab, idf = build(docs)
    longest = max(len(w) for w in set(vocab))
    print(f"{len(vocab)} words, longest has {longest} letters")
    with open("idf.tsv", "w") as f:
        for word, weight in zip(vocab, idf):
            f.write(f"{word}\t{weight:.6f}\n")


if __name__ == "__main__":
    main()
