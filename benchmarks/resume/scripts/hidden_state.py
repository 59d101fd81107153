"""Characters, one after the other: the hidden state goes on from window to window."""

import hashlib
import os
import time

import torch
from torch import nn

torch.manual_seed(8)
TEXT = torch.tensor([ord(c) % 32 for c in "the quick brown fox jumps over the lazy dog " * 12])
WINDOW, STEPS = 16, 28


class Characters(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(32, 12)
        self.rnn = nn.LSTM(12, 20)
        self.out = nn.Linear(20, 32)

    def forward(self, x, state):
        y, state = self.rnn(self.table(x), state)
        return self.out(y), state


def repackaged(state):
    return None if state is None else tuple(part.detach() for part in state)


def main():
    net = Characters()
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    state, first = None, 0
    if os.path.exists("characters.pt"):
        checkpoint = torch.load("characters.pt")  # loaded
        net.load_state_dict(checkpoint["net"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        first = checkpoint["step"]
    for step in range(first, STEPS):
        window = TEXT[step * WINDOW : (step + 1) * WINDOW + 1]
        state = repackaged(state)
        scores, state = net(window[:-1], state)
        loss = nn.functional.cross_entropy(scores, window[1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        time.sleep(0.02)
        if step % 5 == 4:
            kept = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
            torch.save(kept, "characters.tmp")  # saved
            os.replace("characters.tmp", "characters.pt")
    digest = hashlib.sha256()
    for p in net.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
