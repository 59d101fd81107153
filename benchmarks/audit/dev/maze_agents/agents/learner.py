import torch

from .evaluation import evaluate
from .maze import MOVES, Maze


class Learner:
    def __init__(self, seed, rate=0.1, discount=0.97):
        torch.manual_seed(seed)
        self.seed = seed
        self.rate = rate
        self.discount = discount
        self.maze = Maze(seed)
        self.values = torch.zeros(self.maze.side, self.maze.side, len(MOVES))
        self.seen = []

    def act(self, state, epsilon):
        if torch.rand(1).item() < epsilon:
            return torch.randint(len(MOVES), (1,)).item()
        return self.values[state].argmax().item()

    def learn(self, rounds, limit=200):
        for turn in range(rounds):
            state = self.maze.reset()
            for _ in range(limit):
                action = self.act(state, epsilon=max(0.05, 1 - turn / rounds))
                after, reward, done = self.maze.step(action)
                goal = reward + (0.0 if done else self.discount * self.values[after].max().item())
                self.values[state][action] += self.rate * (goal - self.values[state][action])
                self.seen.append(after[0] * self.maze.side + after[1])
                state = after
                if done:
                    break
            if turn % 50 == 0:
                print(turn, evaluate(self.values, seed=self.seed + 1))

    def visits(self):
        return torch.bincount(torch.tensor(self.seen), minlength=self.maze.side**2).tolist()

    def save(self, path):
        torch.save(self.values, path)
