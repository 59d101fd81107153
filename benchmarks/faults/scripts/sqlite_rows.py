"""Train on the measurements in a database; each run files a new batch of them."""

import hashlib
import math
import sqlite3

import torch
from torch import nn

DATABASE = "measurements.db"


def file_batch(connection, rows=48):
    connection.execute("create table if not exists measurements (t real, value real)")
    for i in range(rows):
        t = 0.1 * i
        connection.execute("insert into measurements values (?, ?)", (t, math.sin(t)))  # also
    connection.commit()


def read(connection):
    rows = connection.execute("select t, value from measurements order by rowid").fetchall()  # planted
    return torch.tensor(rows)


def main():
    torch.manual_seed(29)
    connection = sqlite3.connect(DATABASE)  # also
    file_batch(connection)
    table = read(connection)
    connection.close()
    model = nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for batch in table.split(12):
        loss = nn.functional.mse_loss(model(batch[:, :1]), batch[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{len(table)} rows, loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
