import gymnasium as gym
import numpy as np
from gymnasium import spaces


class WarehouseEnv(gym.Env):
    """A cart picks up one box on a square floor and brings it to the gate."""

    metadata = {"render_modes": []}

    def __init__(self, size=8, limit=200):
        self.size = size
        self.limit = limit
        self.observation_space = spaces.Box(0, size - 1, shape=(4,), dtype=np.int64)
        self.action_space = spaces.Discrete(4)
        self._moves = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])

    def _observe(self):
        return np.concatenate([self.cart, self.box])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.cart = self.np_random.integers(0, self.size, size=2)
        self.box = self.np_random.integers(0, self.size, size=2)
        self.turn = 0
        return self._observe(), {}

    def step(self, action):
        self.turn += 1
        self.cart = np.clip(self.cart + self._moves[action], 0, self.size - 1)
        done = bool((self.cart == self.box).all())
        reward = 1.0 if done else -0.01
        return self._observe(), reward, done, self.turn >= self.limit, {}
