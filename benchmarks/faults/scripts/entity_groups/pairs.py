"""Pairs of sentences about one entity."""


def positive_pairs(groups):
    pairs = []
    for city in sorted(groups):
        sentences = list(groups[city])  # planted
        pairs.extend(zip(sentences[::2], sentences[1::2], strict=False))
    return pairs
