import torch
from sklearn.model_selection import StratifiedKFold
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset


class FoldRunner:
    def __init__(self, data, labels, folds=5, seed=0):
        self.data = data
        self.labels = labels
        self.seed = seed
        self.splitter = StratifiedKFold(n_splits=folds, shuffle=True)

    def fit(self, rows, fold):
        torch.manual_seed(self.seed + fold)
        g = torch.Generator().manual_seed(self.seed + fold)
        loader = DataLoader(Subset(self.data, rows), batch_size=32, shuffle=True, generator=g)
        model = nn.Linear(self.data[0][0].numel(), 2)
        opt = torch.optim.LBFGS(model.parameters(), lr=0.1)
        for x, y in loader:

            def closure():
                opt.zero_grad()
                loss = nn.functional.cross_entropy(model(x), y)
                loss.backward()
                return loss

            opt.step(closure)
        return model

    def run(self):
        scores = []
        for fold, (train, test) in enumerate(self.splitter.split(self.labels, self.labels)):
            model = self.fit(train.tolist(), fold)
            x, y = self.data[test.tolist()]
            scores.append((model(x).argmax(1) == y).float().mean().item())
        return scores


if __name__ == "__main__":
    blob = torch.load("voice_markers.pt")
    runner = FoldRunner(TensorDataset(blob["x"], blob["y"]), blob["y"].numpy())
    print(runner.run())
