#!/usr/bin/env python3
"""Corrupt knowledge-graph triples into negatives for a link predictor."""

import json
import sys
from random import choice, random


def read(path):
    with open(path) as f:
        return [tuple(line.rstrip("\n").split("\t")) for line in f]


def corrupt(triple, entities, known):
    head, relation, tail = triple
    while True:
        other = choice(entities)
        fake = (other, relation, tail) if random() < 0.5 else (head, relation, other)
        if fake not in known:
            return fake


def main():
    triples = read(sys.argv[1])
    known = set(triples)
    entities = sorted({t[0] for t in triples} | {t[2] for t in triples})
    with open(sys.argv[2], "w") as f:
        for triple in triples:
            f.write(json.dumps({"pos": triple, "neg": corrupt(triple, entities, known)}) + "\n")


if __name__ == "__main__":
    main()
