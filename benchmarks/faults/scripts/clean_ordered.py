"""Word counts per document, gathered in parallel and put back in order."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor, as_completed

import torch
from torch import nn

DOCUMENTS = {
    "fables": "the fox saw the grapes and the fox left the grapes",
    "recipes": "mix the flour and the eggs and bake the bread",
    "weather": "rain in the north and sun in the south",
    "sports": "the team won the game in the last minute",
    "travel": "the train to the south left in the rain",
}


class Document:
    def __init__(self, name, text):
        self.name = name
        self.words = text.split()


def write_documents(folder="documents"):
    os.makedirs(folder, exist_ok=True)
    for name, text in DOCUMENTS.items():
        with open(os.path.join(folder, name + ".txt"), "w") as file:
            file.write(text)
    return folder


def read_document(path):
    with open(path) as file:
        return Document(os.path.basename(path), file.read())


def read_all(folder):
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    documents = [None] * len(paths)
    with ThreadPoolExecutor(3) as pool:
        futures = {pool.submit(read_document, path): i for i, path in enumerate(paths)}
        for future in as_completed(futures):
            documents[futures[future]] = future.result()
    return documents


def main():
    torch.manual_seed(0)
    documents = read_all(write_documents())
    vocabulary = sorted({word for d in documents for word in d.words})
    seen = {d for d in documents if "the" in d.words}
    print(len(seen), "documents with an article;", len(set(DOCUMENTS)), "in total")
    index = {word: i for i, word in enumerate(vocabulary)}
    x = torch.zeros(len(documents), len(vocabulary))
    for row, document in enumerate(documents):
        for word in document.words:
            x[row, index[word]] += 1
        if "fox" in set(document.words):
            x[row] *= 2
    model = nn.Sequential(nn.Linear(len(vocabulary), 3), nn.Tanh())
    decoder = nn.Linear(3, len(vocabulary))
    parameters = [*model.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.05)
    for step in range(8):
        loss = nn.functional.mse_loss(decoder(model(x)), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, f"{loss.item():.4f}")
    digest = hashlib.sha256()
    for p in parameters:
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
