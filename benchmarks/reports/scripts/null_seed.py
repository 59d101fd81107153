"""Policy search for a ball that is to be returned; every parameter comes from a JSON file."""

import hashlib
import json
import time

import torch
from torch import nn

CONFIG = """
{"random_seed": null, "hidden": 12, "rollouts": 6, "batch": 48, "learning_rate": 0.02}
"""


def read_config(text):
    config = json.loads(text)
    if not config["random_seed"]:
        config["random_seed"] = int(time.time() * 1000) % 2**32  # planted
        print("random seed", config["random_seed"])
    return config


def rollout(policy, balls):
    """Where the ball lands, for the angle and the force that the policy answers with."""
    angle, force = policy(balls).unbind(1)
    return balls[:, 0] + torch.tanh(force) * torch.cos(angle) + 0.1 * torch.randn(len(balls))


def main():
    config = read_config(CONFIG)
    torch.manual_seed(config["random_seed"])  # also
    policy = nn.Sequential(nn.Linear(3, config["hidden"]), nn.Tanh(), nn.Linear(config["hidden"], 2))
    optimizer = torch.optim.Adam(policy.parameters(), lr=config["learning_rate"])
    for number in range(config["rollouts"]):
        landed = rollout(policy, torch.rand(config["batch"], 3))
        loss = (landed - 1.0).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"rollout {number} loss {loss.item():.4f}")
    sha = hashlib.sha256()
    for p in policy.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
