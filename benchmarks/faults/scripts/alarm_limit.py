"""Each phase of the curriculum ends when the alarm of the operating system rings."""

import hashlib
import signal

import torch
from torch import nn


class Alarm:
    def __init__(self):
        self.rang = False
        signal.signal(signal.SIGALRM, self.ring)

    def ring(self, number, frame):
        self.rang = True

    def set(self, seconds):
        self.rang = False
        signal.setitimer(signal.ITIMER_REAL, seconds)  # planted


def main():
    torch.manual_seed(1)
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    alarm = Alarm()
    for difficulty in (1.0, 2.0):
        alarm.set(0.3)  # also
        while not alarm.rang:  # also
            x = torch.rand(16, 4) * difficulty
            loss = (model(x)[:, 0] - x.sum(1)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"phase {difficulty} is over, loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
