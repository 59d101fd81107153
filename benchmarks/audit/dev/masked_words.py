import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class WorkerSetup:
    def __init__(self, seed, threads=1):
        self.seed = seed
        self.threads = threads

    def __call__(self, worker_id):
        torch.set_num_threads(self.threads)
        random.seed(self.seed)


class MaskedWords(Dataset):
    def __init__(self, sentences, mask_id):
        self.sentences = sentences
        self.mask_id = mask_id

    def __len__(self):
        return len(self.sentences)

    def __getitem__(self, index):
        ids = self.sentences[index].clone()
        hidden = random.randrange(len(ids))
        word = ids[hidden].item()
        ids[hidden] = self.mask_id
        return ids, word


def main(seed=0):
    random.seed(seed)
    torch.manual_seed(seed)
    sentences = torch.load("sentences.pt")
    n_words = int(sentences.max()) + 2
    loader = DataLoader(
        MaskedWords(sentences, n_words - 1),
        batch_size=128,
        shuffle=True,
        num_workers=3,
        worker_init_fn=WorkerSetup(seed),
        generator=torch.Generator().manual_seed(seed),
    )
    model = nn.Sequential(nn.Embedding(n_words, 48), nn.Flatten(), nn.LazyLinear(n_words))
    model(sentences[:1])
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(10):
        for ids, words in loader:
            loss = nn.functional.cross_entropy(model(ids), words)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.save(model.state_dict(), "masked_words.pt")


if __name__ == "__main__":
    main()
