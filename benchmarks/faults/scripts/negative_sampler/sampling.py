"""Negative samples for a recommender."""

import numpy as np


class NegativeSampler:
    """Draws items that the user has not seen, popular ones more often."""

    def __init__(self, popularity, seen, random_state=None):
        self.chances = popularity / popularity.sum()
        self.seen = seen
        self.random = random_state or np.random.RandomState()  # planted

    def draw(self, user):
        while True:
            item = int(self.random.choice(len(self.chances), p=self.chances))  # also
            if item not in self.seen[user]:
                return item
