import pandas as pd
import torch
from torch.utils.data import DataLoader, TensorDataset


def load(path):
    visits = pd.read_csv(path).drop_duplicates(subset=["patient", "date"])
    clinics = {c: i for i, c in enumerate(visits["clinic"].unique())}
    per_patient = visits.groupby("patient").agg(
        age=("age", "max"), visits=("date", "nunique"), clinic=("clinic", "first"), label=("relapse", "max")
    )
    per_patient["clinic"] = per_patient["clinic"].map(clinics)
    x = torch.tensor(per_patient[["age", "visits", "clinic"]].to_numpy(), dtype=torch.float32)
    return x, torch.tensor(per_patient["label"].to_numpy())


def make_loader(path, batch_size, seed):
    x, y = load(path)
    mean, std = x.mean(dim=0), x.std(dim=0)
    g = torch.Generator()
    g.manual_seed(seed)
    return DataLoader(TensorDataset((x - mean) / std, y), batch_size, shuffle=True, generator=g)


def sequences(path):
    visits = pd.read_csv(path).sort_values(["patient", "date"])
    return [torch.tensor(group["dose"].to_numpy()) for _, group in visits.groupby("patient", sort=False)]


def label_counts(path):
    return pd.read_csv(path)["relapse"].value_counts().to_dict()
