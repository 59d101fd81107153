"""Embeddings with sparse gradients, one optimizer for them and one for the rest."""

import torch
import weights

torch.manual_seed(13)
bag = torch.nn.EmbeddingBag(200, 8, sparse=True, mode="sum")
words = torch.nn.Embedding(200, 8, sparse=True)
head = torch.nn.Linear(8, 1)
lazy = torch.optim.SparseAdam([*bag.parameters(), *words.parameters()], lr=0.01)
dense = torch.optim.SGD(head.parameters(), lr=0.01)
for _ in range(12):
    ids = torch.randint(200, (16, 5))
    lazy.zero_grad()
    dense.zero_grad()
    (head(bag(ids) + words(ids[:, 0])) - ids.float().mean(1, keepdim=True) / 200).pow(2).mean().backward()
    lazy.step()
    dense.step()
weights.show(bag, words, head)
