import json

import torch
from torch import nn


def read(path):
    with open(path, encoding="utf-8") as handle:
        return [json.loads(line) for line in handle]


def build_index(*parts):
    words = {"<pad>", "<unk>", *(word for part in parts for row in part for word in row["text"].split())}
    return {word: i for i, word in enumerate(words)}


def encode(rows, index, length=20):
    ids = torch.full((len(rows), length), index["<pad>"])
    for i, row in enumerate(rows):
        for j, word in enumerate(row["text"].split()[:length]):
            ids[i, j] = index.get(word, index["<unk>"])
    return ids, torch.tensor([row["intent"] for row in rows])


def main(seed=0):
    torch.manual_seed(seed)
    train, extra = read("intents.jsonl"), read("intents_extra.jsonl")
    index = build_index(train, extra)
    ids, intents = encode(train + extra, index)
    embed = nn.EmbeddingBag(len(index), 32)
    head = nn.Linear(32, int(intents.max()) + 1)
    optimizer = torch.optim.Adam([*embed.parameters(), *head.parameters()])
    for _ in range(15):
        for rows in torch.randperm(len(ids)).split(32):
            loss = nn.functional.cross_entropy(head(embed(ids[rows])), intents[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.save({"embed": embed.state_dict(), "head": head.state_dict(), "index": index}, "intents.pt")


if __name__ == "__main__":
    main()
