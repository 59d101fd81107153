import numpy as np

MOVES = ((0, 1), (1, 0), (0, -1), (-1, 0))


class Maze:
    def __init__(self, seed, side=9, density=0.25):
        self.rng = np.random.default_rng(seed)
        self.side = side
        self.walls = self.rng.random((side, side)) < density
        self.walls[0, 0] = self.walls[-1, -1] = False

    def reset(self):
        free = np.argwhere(~self.walls)
        self.at = tuple(free[self.rng.integers(len(free))])
        return self.at

    def step(self, action):
        row, column = self.at[0] + MOVES[action][0], self.at[1] + MOVES[action][1]
        if 0 <= row < self.side and 0 <= column < self.side and not self.walls[row, column]:
            self.at = (row, column)
        done = self.at == (self.side - 1, self.side - 1)
        return self.at, 1.0 if done else -0.01, done
