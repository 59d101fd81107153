import gymnasium as gym
import numpy as np
import torch
from torch import nn


def collect(env, policy, episodes, warmup):
    states, actions, returns = [], [], []
    for episode in range(episodes):
        obs, _ = env.reset()
        rewards, done = [], False
        while not done:
            if episode < warmup:
                action = env.action_space.sample()
            else:
                with torch.no_grad():
                    action = int(policy(torch.as_tensor(obs)).argmax())
            states.append(obs)
            actions.append(action)
            obs, reward, ended, cut, _ = env.step(action)
            rewards.append(reward)
            done = ended or cut
        returns += [sum(rewards[k:]) for k in range(len(rewards))]
    return np.array(states), np.array(actions), np.array(returns, dtype=np.float32)


def main():
    torch.manual_seed(0)
    env = gym.make("CartPole-v1")
    policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
    opt = torch.optim.Adam(policy.parameters(), lr=3e-3)
    for _ in range(30):
        s, a, g = collect(env, policy, episodes=20, warmup=5)
        weight = torch.from_numpy(g - g.mean())
        logp = policy(torch.from_numpy(s)).log_softmax(dim=1)
        loss = -(weight * logp[range(len(a)), a]).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    torch.save(policy.state_dict(), "policy.pt")


if __name__ == "__main__":
    main()
