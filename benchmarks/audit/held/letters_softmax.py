import argparse
import random

import numpy as np
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("-s", "--seed", type=int, default=11)
parser.add_argument("--batch", type=int, default=50)
args = parser.parse_args()

for seeder in (random.seed, np.random.seed, torch.manual_seed):
    seeder(args.seed)

pixels = np.load("letters_x.npy").reshape(-1, 400)
labels = np.load("letters_y.npy")
rows = list(range(len(labels)))
random.shuffle(rows)
held_out, kept = rows[:1000], rows[1000:]

model = nn.Linear(400, 26)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3000):
    pick = np.random.choice(kept, args.batch)
    loss = nn.functional.cross_entropy(model(torch.tensor(pixels[pick])), torch.tensor(labels[pick]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

with torch.no_grad():
    guess = model(torch.tensor(pixels[held_out])).argmax(1).numpy()
print("accuracy", (guess == labels[held_out]).mean())
