import argparse

import gymnasium as gym
import numpy as np


def rollout(env, steps, seed):
    env.action_space.seed(seed)
    obs, _ = env.reset(seed=seed)
    table = []
    for _ in range(steps):
        action = env.action_space.sample()
        following, reward, ended, cut, _ = env.step(action)
        table.append(np.concatenate([obs, [action, reward], following]))
        obs = following
        if ended or cut:
            obs, _ = env.reset()
    return np.stack(table).astype(np.float32)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--env", default="LunarLander-v3")
    ap.add_argument("--steps", type=int, default=50_000)
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    env = gym.make(args.env)
    table = rollout(env, args.steps, args.seed)
    env.close()
    np.save("rollouts.npy", table)
    print(table.shape, table[:, 9].mean())


if __name__ == "__main__":
    main()
