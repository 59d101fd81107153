"""DQN on a toy corridor: walk right to reach the goal."""

import hashlib
import random
from collections import deque, namedtuple

import torch
import torch.nn as nn
import torch.nn.functional as F

Transition = namedtuple("Transition", "state action reward next_state done")
LENGTH = 8


class Corridor:
    def reset(self):
        self.position = 0
        return self.observe()

    def observe(self):
        state = torch.zeros(LENGTH)
        state[self.position] = 1.0
        return state

    def step(self, action):
        self.position = max(0, min(LENGTH - 1, self.position + (1 if action == 1 else -1)))
        done = self.position == LENGTH - 1
        return self.observe(), 1.0 if done else -0.01, done


class ReplayMemory:
    def __init__(self, capacity):
        self.memory = deque(maxlen=capacity)

    def push(self, *args):
        self.memory.append(Transition(*args))

    def sample(self, batch_size):
        return random.sample(self.memory, batch_size)  # planted

    def __len__(self):
        return len(self.memory)


def optimize(policy, target, memory, optimizer, batch_size=32, gamma=0.95):
    batch = Transition(*zip(*memory.sample(batch_size), strict=True))
    states = torch.stack(batch.state)
    next_states = torch.stack(batch.next_state)
    actions = torch.tensor(batch.action).unsqueeze(1)
    rewards = torch.tensor(batch.reward)
    running = 1.0 - torch.tensor(batch.done, dtype=torch.float32)
    q = policy(states).gather(1, actions).squeeze(1)
    with torch.no_grad():
        expected = rewards + gamma * running * target(next_states).max(1).values
    loss = F.smooth_l1_loss(q, expected)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(policy.parameters(), 1.0)
    optimizer.step()
    return loss.item()


torch.manual_seed(7)
policy = nn.Sequential(nn.Linear(LENGTH, 32), nn.ReLU(), nn.Linear(32, 2))
target = nn.Sequential(nn.Linear(LENGTH, 32), nn.ReLU(), nn.Linear(32, 2))
target.load_state_dict(policy.state_dict())
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
memory = ReplayMemory(500)
env = Corridor()

state = env.reset()
for step in range(120):
    epsilon = 0.9 * 0.98**step
    if torch.rand(()).item() < epsilon:
        action = int(torch.randint(0, 2, ()))
    else:
        with torch.no_grad():
            action = int(policy(state).argmax())
    next_state, reward, done = env.step(action)
    memory.push(state, action, reward, next_state, done)
    state = env.reset() if done else next_state
    if step >= 60 and step % 4 == 0:
        loss = optimize(policy, target, memory, optimizer)
        if step % 20 == 0:
            print(f"step {step} loss {loss:.5f}")
    if step % 30 == 0:
        target.load_state_dict(policy.state_dict())

weights = b"".join(p.detach().numpy().tobytes() for p in policy.parameters())
print("fingerprint", hashlib.sha256(weights).hexdigest())
