"""Q-learning on a ring, with its buffer, its world and its target network in the checkpoint."""

import argparse
import copy
import hashlib
import random
import time

import torch
from torch import nn

SIZE = 9


class Agent:
    def __init__(self):
        self.q = nn.Sequential(nn.Linear(SIZE, 24), nn.ReLU(), nn.Linear(24, 2))
        self.target = copy.deepcopy(self.q)
        self.optimizer = torch.optim.RMSprop(self.q.parameters(), lr=2e-3)
        self.buffer, self.place, self.step = [], 0, 0

    def code(self, places):
        return nn.functional.one_hot(torch.as_tensor(places), SIZE).float()

    def act(self):
        if random.random() < 0.3:
            return random.randrange(2)
        return int(self.q(self.code(self.place)).argmax())

    def live(self):
        action = self.act()
        there = (self.place + (1 if action else -1)) % SIZE
        self.buffer = [*self.buffer[-99:], (self.place, action, float(there == 4), there)]
        self.place = there
        self.step += 1
        time.sleep(0.04)

    def learn(self):
        old, action, reward, new = map(torch.tensor, zip(*random.choices(self.buffer, k=8), strict=True))
        with torch.no_grad():
            goal = reward + 0.9 * self.target(self.code(new)).amax(1)
        value = self.q(self.code(old)).gather(1, action[:, None])[:, 0]
        self.optimizer.zero_grad()
        nn.functional.mse_loss(value, goal).backward()
        self.optimizer.step()
        if self.step % 7 == 0:
            self.target.load_state_dict(self.q.state_dict())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--agent", metavar="PATH")
    args = parser.parse_args()
    random.seed(214)
    torch.manual_seed(214)
    agent = Agent()
    if args.agent:
        state = torch.load(args.agent)  # loaded
        for name in ("q", "target", "optimizer"):
            getattr(agent, name).load_state_dict(state[name])
        agent.buffer, agent.place, agent.step = state["buffer"], state["place"], state["step"]
        random.setstate(state["random"])
    while agent.step < 38:
        agent.live()
        agent.learn()
        if agent.step % 8 == 0:
            state = {name: getattr(agent, name).state_dict() for name in ("q", "target", "optimizer")}
            state |= {"buffer": agent.buffer, "place": agent.place, "step": agent.step}
            torch.save({**state, "random": random.getstate()}, "ring.pt")  # saved
    sha = hashlib.sha256()
    for p in agent.q.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
