"""The history of station readings, a CSV file which grows with each update."""

import csv
import math
import os

PATH = "history.csv"


def update(rows=40):
    """Append the newest readings."""
    start = len(read()) if os.path.exists(PATH) else 0
    with open(PATH, "a", newline="") as file:
        writer = csv.writer(file)
        for t in range(start, start + rows):
            temperature = 12 + 8 * math.sin(t / 24) + 3 * math.cos(t / 5)
            writer.writerow([t, round(temperature, 3)])  # also


def read():
    with open(PATH, newline="") as file:  # planted
        return [float(row[1]) for row in csv.reader(file)]
