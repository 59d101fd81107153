import numpy as np
import torch
from torch import nn

cfg = {"seed": 6, "context": 8, "dim": 96, "steps": 3000, "sample_every": 250}


class NextWord(nn.Module):
    def __init__(self, n_words):
        super().__init__()
        self.embed = nn.Embedding(n_words, cfg["dim"])
        self.mlp = nn.Sequential(
            nn.Linear(cfg["context"] * cfg["dim"], 512), nn.ReLU(), nn.Linear(512, n_words)
        )

    def forward(self, ids):
        return self.mlp(self.embed(ids).flatten(1))


@torch.no_grad()
def write(model, prompt, length, generator):
    ids = prompt.clone()
    for _ in range(length):
        probabilities = model(ids[None, -cfg["context"] :]).softmax(dim=-1)
        word = torch.multinomial(probabilities[0], 1, generator=generator)
        ids = torch.cat([ids, word])
    return ids[len(prompt) :].tolist()


def main():
    torch.manual_seed(cfg["seed"])
    sampler = torch.Generator().manual_seed(cfg["seed"] + 1)
    stream = torch.from_numpy(np.load("captions.npy")).long()
    model = NextWord(int(stream.max()) + 1)
    optimizer = torch.optim.AdamW(model.parameters())
    span = cfg["context"] + 1
    for step in range(cfg["steps"]):
        starts = torch.randint(len(stream) - span, (64,))
        rows = stream[starts[:, None] + torch.arange(span)]
        loss = nn.functional.cross_entropy(model(rows[:, :-1]), rows[:, -1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % cfg["sample_every"] == 0:
            print(step, write(model, stream[: cfg["context"]], 12, sampler))
    torch.save(model.state_dict(), "next_word.pt")


if __name__ == "__main__":
    main()
