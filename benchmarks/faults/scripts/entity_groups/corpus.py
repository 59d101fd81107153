"""Sentences and the entities that occur in them."""

CITIES = ["berlin", "bologna", "cadiz", "dublin", "gdansk", "lisbon", "lyon", "oslo", "porto", "turin"]


def mentions(count=40):
    """For each city the set of the sentences that mention it."""
    groups = {}
    for number in range(count):
        for offset in (0, 3, 7):
            city = CITIES[(number + offset) % len(CITIES)]
            groups.setdefault(city, set()).add(f"sentence {number} names {city}")  # also
    return groups
