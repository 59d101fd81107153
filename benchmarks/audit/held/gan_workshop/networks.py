from torch import nn


class Painter(nn.Module):
    def __init__(self, latent, side=32):
        super().__init__()
        self.side = side
        self.net = nn.Sequential(nn.Linear(latent, 512), nn.ReLU(), nn.Linear(512, side * side), nn.Tanh())

    def forward(self, z):
        return self.net(z).view(-1, 1, self.side, self.side)


class Critic(nn.Module):
    def __init__(self, side=32):
        super().__init__()
        self.net = nn.Sequential(
            nn.Flatten(), nn.Linear(side * side, 512), nn.LeakyReLU(0.2), nn.Linear(512, 1)
        )

    def forward(self, image):
        return self.net(image)
