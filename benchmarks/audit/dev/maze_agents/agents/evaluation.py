import torch

from .maze import Maze


@torch.no_grad()
def evaluate(values, seed, episodes=20, limit=100):
    """Mean reward of softmax play, with a maze and draws of its own."""
    maze = Maze(seed)
    generator = torch.Generator().manual_seed(seed)
    total = 0.0
    for _ in range(episodes):
        state = maze.reset()
        for _ in range(limit):
            chances = values[state].mul(5).softmax(dim=-1)
            action = torch.multinomial(chances, 1, generator=generator).item()
            state, reward, done = maze.step(action)
            total += reward
            if done:
                break
    return total / episodes
