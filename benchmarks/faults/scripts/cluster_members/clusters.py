"""Points in clusters; each cluster keeps its members in a set."""


class Point:
    def __init__(self, position):
        self.position = position


def assign(positions, centres):
    """A dict from the centre's number to the set of its points."""
    members = {number: set() for number in range(len(centres))}  # also
    for position in positions:
        nearest = int((centres - position).square().sum(1).argmin())
        members[nearest].add(Point(position))
    return members
