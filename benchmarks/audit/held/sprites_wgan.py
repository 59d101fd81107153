import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.utils import save_image

SEED, Z, CRITIC_STEPS = 31, 32, 5

torch.manual_seed(SEED)
sprites = torch.load("sprites.pt").float().flatten(1)
loader = DataLoader(
    sprites,
    batch_size=64,
    shuffle=True,
    drop_last=True,
    generator=torch.Generator().manual_seed(SEED),
)
maker = nn.Sequential(nn.Linear(Z, 256), nn.ReLU(), nn.Linear(256, sprites.shape[1]), nn.Tanh())
critic = nn.Sequential(nn.Linear(sprites.shape[1], 256), nn.LeakyReLU(0.2), nn.Linear(256, 1))
maker_opt = torch.optim.RMSprop(maker.parameters(), lr=5e-5)
critic_opt = torch.optim.RMSprop(critic.parameters(), lr=5e-5)
sheet_noise = torch.randn(25, Z)

for epoch in range(80):
    for turn, real in enumerate(loader):
        fake = maker(torch.randn(len(real), Z))
        loss = critic(fake.detach()).mean() - critic(real).mean()
        critic_opt.zero_grad()
        loss.backward()
        critic_opt.step()
        with torch.no_grad():
            for weight in critic.parameters():
                weight.clamp_(-0.01, 0.01)
        if turn % CRITIC_STEPS == 0:
            maker_opt.zero_grad()
            (-critic(fake).mean()).backward()
            maker_opt.step()
    if epoch % 10 == 0:
        with torch.no_grad():
            sheet = maker(sheet_noise).view(25, 3, 16, 16)
        save_image(sheet, f"sprites_{epoch}.png", nrow=5, normalize=True)

torch.save(maker.state_dict(), "maker.pt")
