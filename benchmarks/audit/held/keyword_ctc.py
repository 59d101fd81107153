from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader


@dataclass
class Options:
    data: str = "keywords.pt"
    classes: int = 40
    lr: float = 3e-4
    epochs: int = 15
    seed: int = 1


def collate(items):
    frames = pad_sequence([item["frames"] for item in items], batch_first=True)
    texts = torch.cat([item["text"] for item in items])
    sizes = torch.tensor([len(item["frames"]) for item in items])
    lengths = torch.tensor([len(item["text"]) for item in items])
    return frames, texts, sizes, lengths


class Recognizer(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv = nn.Conv1d(80, 256, 11, padding=5)
        self.head = nn.Conv1d(256, classes, 1)

    def forward(self, frames):
        return self.head(self.conv(frames.mT).relu()).permute(2, 0, 1).log_softmax(dim=-1)


def main(options):
    torch.manual_seed(options.seed)
    loader = DataLoader(
        torch.load(options.data),
        batch_size=16,
        shuffle=True,
        collate_fn=collate,
        generator=torch.Generator().manual_seed(options.seed),
    )
    net = Recognizer(options.classes).cuda()
    criterion = nn.CTCLoss(zero_infinity=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=options.lr)
    for _ in range(options.epochs):
        for frames, texts, sizes, lengths in loader:
            loss = criterion(net(frames.cuda()), texts.cuda(), sizes, lengths)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.save(net.state_dict(), "keywords_net.pt")


if __name__ == "__main__":
    main(Options())
