"""Intent classifier; class names are collected from the training file."""

import hashlib

import torch
from torch import nn

SAMPLES = """\
book_flight|i need a plane to rome
book_hotel|find me a room in paris
weather|will it rain tomorrow
play_music|play some jazz
set_alarm|wake me at seven
call|phone my mother
navigate|how do i get to the station
translate|what is bread in spanish
news|read me the headlines
joke|tell me something funny
lights|turn off the lamp in the kitchen
shopping|add milk to the list
"""


def read_samples(text):
    pairs = [line.split("|") for line in text.strip().splitlines()]
    return [p[1] for p in pairs], [p[0] for p in pairs]


def char_ngrams(text, n=3, dim=128):
    vector = torch.zeros(dim)
    for i in range(len(text) - n + 1):
        gram = text[i : i + n].encode()
        vector[int.from_bytes(gram, "big") % dim] += 1
    return vector


def main():
    torch.manual_seed(10)
    texts, intents = read_samples(SAMPLES)
    classes = list(set(intents))  # planted
    target = torch.tensor([classes.index(name) for name in intents])
    x = torch.stack([char_ngrams(t) for t in texts])

    model = nn.Linear(128, len(classes))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    loss_fn = nn.CrossEntropyLoss(label_smoothing=0.1)
    for _ in range(8):
        optimizer.zero_grad()
        loss = loss_fn(model(x), target)
        loss.backward()
        optimizer.step()
    print(f"final loss {loss.item():.4f}")
    raw = model.weight.detach().numpy().tobytes() + model.bias.detach().numpy().tobytes()
    print("fingerprint", hashlib.sha256(raw).hexdigest())


if __name__ == "__main__":
    main()
