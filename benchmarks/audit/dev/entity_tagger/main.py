import argparse
import time

import torch

from tagger import corpus
from tagger.model import Tagger
from tagger.training import fit


def get_args():
    ap = argparse.ArgumentParser(description="train a named-entity tagger")
    ap.add_argument("corpus")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--minutes", type=float, default=30.0)
    ap.add_argument("--lr", type=float, default=0.01)
    return ap.parse_args()


if __name__ == "__main__":
    args = get_args()
    torch.manual_seed(int(time.time()))
    sentences = corpus.read(args.corpus)
    words = corpus.word_ids(sentences)
    tags = corpus.tag_ids(sentences)
    model = Tagger(len(words) + 1, len(tags))
    fit(model, corpus.encode(sentences, words, tags), lr=args.lr, minutes=args.minutes)
    torch.save({"model": model.state_dict(), "words": words, "tags": tags}, "tagger.pt")
