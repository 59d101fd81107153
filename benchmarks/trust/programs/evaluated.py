"""Training with an evaluation after every epoch: values read by item, tolist and numpy decide the rest."""

import torch
import weights

torch.manual_seed(12)
net = torch.nn.Sequential(
    torch.nn.Linear(8, 24), torch.nn.Dropout(0.2), torch.nn.ReLU(), torch.nn.Linear(24, 3)
)
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
x, y = torch.randn(96, 8), torch.randint(3, (96,))
best, patience = float("inf"), 3
for epoch in range(8):
    net.train()
    for at in range(0, 64, 16):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x[at : at + 16]), y[at : at + 16]).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        scores = net(x[64:])
        loss = torch.nn.functional.cross_entropy(scores, y[64:]).item()
        right = (scores.argmax(1).numpy() == y[64:].numpy()).mean()
    schedule.step(loss)
    patience = patience - 1 if loss > best else 3
    best = min(best, loss)
    print(f"epoch {epoch} loss {loss:.9f} right {right:.3f} {scores[0].tolist()[0]:.9f}")
    if patience == 0:
        break
weights.show(net)
