import argparse
import random
from collections import defaultdict


def epsilon_greedy(table, state, eps):
    if random.random() < eps:
        return random.choice("NESW")
    return max("NESW", key=lambda a: table[state, a])


class Maze:
    moves = {"N": (0, -1), "E": (1, 0), "S": (0, 1), "W": (-1, 0)}

    def __init__(self, size):
        self.size = size
        self.goal = (size - 1, size - 1)

    def step(self, state, action):
        dx, dy = self.moves[action]
        x = min(max(state[0] + dx, 0), self.size - 1)
        y = min(max(state[1] + dy, 0), self.size - 1)
        return (x, y), float((x, y) == self.goal)


class Trainer:
    def __init__(self, seed, size):
        random.seed(seed)
        self.maze = Maze(size)
        self.table = defaultdict(float)

    def episode(self, eps, lr=0.2, gamma=0.97):
        state, steps = (0, 0), 0
        while state != self.maze.goal and steps < 500:
            action = epsilon_greedy(self.table, state, eps)
            following, reward = self.maze.step(state, action)
            best = max(self.table[following, a] for a in "NESW")
            self.table[state, action] += lr * (reward + gamma * best - self.table[state, action])
            state, steps = following, steps + 1
        return steps


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--size", type=int, default=8)
    args = ap.parse_args()
    trainer = Trainer(args.seed, args.size)
    lengths = [trainer.episode(eps=1 / (1 + k / 50)) for k in range(1000)]
    print(sum(lengths[-100:]) / 100)
