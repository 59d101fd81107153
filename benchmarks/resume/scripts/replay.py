"""Q-learning in a corridor, with a replay buffer.  Goes on from agent.pt where there is one."""

import hashlib
import os
import random
import time
from collections import deque

import torch
from torch import nn

CHECKPOINT = "agent.pt"
LENGTH = 8


class Corridor:
    def __init__(self):
        self.place = 0

    def step(self, action):
        self.place = max(0, self.place + (1 if action else -1))
        end = self.place == LENGTH - 1
        if end:
            self.place = 0
        return self.place, float(end), end


def seen(place):
    return nn.functional.one_hot(torch.tensor(place), LENGTH).float()


def main():
    random.seed(110)
    torch.manual_seed(110)
    world = Corridor()
    buffer = deque(maxlen=200)
    q = nn.Sequential(nn.Linear(LENGTH, 24), nn.ReLU(), nn.Linear(24, 2))
    optimizer = torch.optim.Adam(q.parameters(), lr=5e-3)
    step = 0
    if os.path.exists(CHECKPOINT):
        saved = torch.load(CHECKPOINT)  # loaded
        q.load_state_dict(saved["q"])
        optimizer.load_state_dict(saved["optimizer"])
        random.setstate(saved["random"])
        step, world.place = saved["step"], saved["place"]

    while step < 45:
        here = world.place
        greedy = random.random() > 0.5
        action = int(q(seen(here)).argmax()) if greedy else random.randrange(2)
        there, reward, end = world.step(action)
        buffer.append((here, action, reward, there, end))
        step += 1
        time.sleep(0.03)
        if len(buffer) >= 8:
            rows = random.choices(buffer, k=8)
            old, actions, rewards, new, ends = map(torch.tensor, zip(*rows, strict=True))
            with torch.no_grad():
                goal = rewards + 0.9 * q(seen(new.tolist())).max(1).values * ~ends
            value = q(seen(old.tolist())).gather(1, actions[:, None])[:, 0]
            loss = nn.functional.smooth_l1_loss(value, goal)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if step % 10 == 0:
            state = {"q": q.state_dict(), "optimizer": optimizer.state_dict(), "random": random.getstate()}
            torch.save({**state, "step": step, "place": world.place}, CHECKPOINT)  # saved

    sha = hashlib.sha256()
    for p in q.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
