"""Keep snapshots for stochastic weight averaging, a few each second."""

from datetime import datetime, timedelta


class Snapshots:
    def __init__(self, every):
        self.every = timedelta(seconds=every)
        self.due = datetime.now() + self.every
        self.kept = []

    def offer(self, parameters):
        if datetime.now() >= self.due:  # planted
            self.kept.append([p.detach().clone() for p in parameters])
            self.due = datetime.now() + self.every

    def average(self):
        return [sum(values) / len(self.kept) for values in zip(*self.kept, strict=True)]
