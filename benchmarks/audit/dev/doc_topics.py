import json

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Docs(Dataset):
    def __init__(self, path, vocab):
        with open(path) as f:
            self.docs = [json.loads(line) for line in f]
        self.vocab = vocab
        topics = {doc["topic"] for doc in self.docs}
        self.topic_id = dict(zip(topics, range(len(topics))))

    def __len__(self):
        return len(self.docs)

    def __getitem__(self, i):
        bag = torch.zeros(len(self.vocab))
        for word in self.docs[i]["text"].split():
            if word in self.vocab:
                bag[self.vocab[word]] += 1
        return bag, self.topic_id[self.docs[i]["topic"]]


def main():
    torch.manual_seed(60)
    with open("vocab.txt") as f:
        vocab = {w.strip(): i for i, w in enumerate(f)}
    data = Docs("docs.jsonl", vocab)
    loader = DataLoader(data, batch_size=64, shuffle=True)
    model = nn.Linear(len(vocab), len(data.topic_id))
    opt = torch.optim.Adagrad(model.parameters(), lr=0.1)
    for _ in range(10):
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
    torch.save(model.state_dict(), "topics.pt")


if __name__ == "__main__":
    main()
