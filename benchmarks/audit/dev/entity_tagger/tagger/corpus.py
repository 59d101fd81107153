from collections import Counter

import torch


def read(path):
    sentences, current = [], []
    with open(path) as f:
        for line in f:
            if line.strip():
                current.append(tuple(line.split()))
            elif current:
                sentences.append(current)
                current = []
    return sentences + ([current] if current else [])


def word_ids(sentences, minimum=2):
    counts = Counter(word for sentence in sentences for word, _ in sentence)
    kept = sorted(w for w, n in counts.items() if n >= minimum)
    return {w: i + 1 for i, w in enumerate(kept)}


def tag_ids(sentences):
    tags = set()
    for sentence in sentences:
        tags.update(tag for _, tag in sentence)
    return {tag: i for i, tag in enumerate(tags)}


def encode(sentences, words, tags):
    return [
        (torch.tensor([words.get(w, 0) for w, _ in s]), torch.tensor([tags[t] for _, t in s]))
        for s in sentences
    ]
