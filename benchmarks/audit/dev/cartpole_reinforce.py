import gymnasium as gym
import torch
from torch import nn
from torch.distributions import Categorical

SEED = 123


def rollout(env, policy, seed=None):
    state, _ = env.reset(seed=seed)
    log_probs, rewards, done = [], [], False
    while not done:
        choice = Categorical(logits=policy(torch.as_tensor(state)))
        action = choice.sample()
        state, reward, terminated, truncated, _ = env.step(action.item())
        log_probs.append(choice.log_prob(action))
        rewards.append(reward)
        done = terminated or truncated
    return torch.stack(log_probs), rewards


@torch.no_grad()
def evaluate(policy, episodes=5):
    env = gym.make("CartPole-v1")
    total = 0.0
    for episode in range(episodes):
        state, _ = env.reset(seed=10_000 + episode)
        done = False
        while not done:
            action = Categorical(logits=policy(torch.as_tensor(state))).sample()
            state, reward, terminated, truncated, _ = env.step(action.item())
            total += reward
            done = terminated or truncated
    return total / episodes


def main():
    torch.manual_seed(SEED)
    env = gym.make("CartPole-v1")
    policy = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 2))
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    for episode in range(600):
        log_probs, rewards = rollout(env, policy, seed=SEED if episode == 0 else None)
        returns, running = [], 0.0
        for reward in reversed(rewards):
            running = reward + 0.99 * running
            returns.append(running)
        returns = torch.tensor(returns[::-1])
        loss = -(log_probs * (returns - returns.mean())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if episode % 50 == 0:
            print(f"episode {episode}: {evaluate(policy):.1f}")


if __name__ == "__main__":
    main()
