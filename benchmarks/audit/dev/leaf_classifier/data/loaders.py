from torch.utils.data import DataLoader


def train_loader(data, batch_size):
    return DataLoader(data, batch_size=batch_size, shuffle=True, num_workers=2)
