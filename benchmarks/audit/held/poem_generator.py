import os

os.environ.update({"PYTHONHASHSEED": "0", "TOKENIZERS_PARALLELISM": "false"})

from pathlib import Path

import torch
from torch import nn

ORDER = 3

torch.manual_seed(66)
text = Path("poems.txt").read_text(encoding="utf-8")
words = text.split()
vocabulary = {word: i for i, word in enumerate(dict.fromkeys(words))}
ids = torch.tensor([vocabulary[word] for word in words])
grams = ids.unfold(0, ORDER + 1, 1)

embed = nn.Embedding(len(vocabulary), 64)
head = nn.Linear(ORDER * 64, len(vocabulary))
optimizer = torch.optim.Adam([*embed.parameters(), *head.parameters()])
for step in range(2000):
    batch = grams[torch.randint(len(grams), (64,))]
    loss = nn.functional.cross_entropy(head(embed(batch[:, :-1]).flatten(1)), batch[:, -1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

line = ids[:ORDER].tolist()
names = list(vocabulary)
for _ in range(40):
    with torch.no_grad():
        scores = head(embed(torch.tensor([line[-ORDER:]])).flatten(1))
    line.append(torch.multinomial(scores.softmax(-1)[0], 1).item())
print(" ".join(names[i] for i in line))
