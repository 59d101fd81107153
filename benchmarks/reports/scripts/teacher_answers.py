"""Ask a teacher for all scores at once and train a student on the answers."""

import asyncio
import hashlib

import numpy as np
import torch
from torch import nn


def teacher(prompt):
    """A server that answers one request; how long it takes depends on the prompt."""
    rng = np.random.default_rng(prompt)
    length = int(rng.integers(1_000, 60_000))
    return float(np.sort(rng.standard_normal(length))[length // 3])


async def ask(prompt):
    return await asyncio.to_thread(teacher, prompt)


async def generate_until(prompts):
    tasks = [asyncio.create_task(ask(prompt)) for prompt in prompts]
    answers = []
    for answer in asyncio.as_completed(tasks):  # planted
        answers.append(await answer)  # also
    return answers


def main():
    torch.manual_seed(2)
    prompts = list(range(64))
    scores = torch.tensor(asyncio.run(generate_until(prompts)))
    features = torch.stack([torch.tensor(prompts) / 64, torch.tensor(prompts) % 5 / 5], dim=1)
    student = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(student.parameters(), lr=0.01)
    for rows in torch.randperm(64).split(16):
        loss = nn.functional.mse_loss(student(features[rows])[:, 0], scores[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"loss {loss.item():.5f}")
    digest = hashlib.sha256()
    for p in student.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
