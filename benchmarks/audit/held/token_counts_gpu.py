import argparse

import numpy as np
import torch


def count_pairs(ids, n_words):
    left, right = ids[:-1], ids[1:]
    flat = left * n_words + right
    counts = torch.zeros(n_words * n_words, dtype=torch.long, device=ids.device)
    counts.scatter_add_(0, flat, torch.ones_like(flat))
    return counts.view(n_words, n_words)


def main():
    parser = argparse.ArgumentParser(description="bigram table of a corpus of ids")
    parser.add_argument("ids")
    parser.add_argument("--words", type=int, default=4096)
    parser.add_argument("--out", default="bigrams.pt")
    args = parser.parse_args()
    ids = torch.from_numpy(np.load(args.ids)).long().cuda()
    single = torch.bincount(ids, minlength=args.words)
    pairs = count_pairs(ids, args.words)
    rows = pairs.double() + 0.5
    table = (rows / rows.sum(dim=1, keepdim=True)).log()
    torch.save({"single": single.cpu(), "log_next": table.float().cpu()}, args.out)
    print(f"{int((pairs > 0).sum())} of {args.words**2} pairs were seen")


if __name__ == "__main__":
    main()
