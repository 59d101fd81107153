"""Energy of molecules as a sum over bonds, scattered to the molecules in place."""

import hashlib

import torch
from torch import nn

MOLECULES = 32
torch.set_num_threads(2)
torch.manual_seed(25)

bonds = 60_000
lengths = torch.rand(bonds, 1) + 0.5
owner = torch.randint(0, MOLECULES, (bonds,))
energies = torch.rand(MOLECULES)

bond = nn.Sequential(nn.Linear(1, 24), nn.SiLU())
energy = nn.Linear(24, 1)
model = nn.ModuleList([bond, energy])
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
for step in range(6):
    total = torch.zeros(MOLECULES, 24)
    total = total.index_put((owner,), bond(lengths), accumulate=True)  # planted
    loss = nn.functional.mse_loss(energy(total * MOLECULES / bonds)[:, 0], energies)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step} loss {loss.item():.6f}")

digest = hashlib.sha256()
for p in model.parameters():
    digest.update(p.detach().numpy().tobytes())
print("fingerprint", digest.hexdigest())
