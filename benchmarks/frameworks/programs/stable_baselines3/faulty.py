# DLR-RM/stable-baselines3: set_random_seed seeds Python, numpy and torch; the environment gets its seed
# from the model's seed=, which is not given.
import hashlib

import gymnasium as gym
import numpy as np
from stable_baselines3 import DQN
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.utils import set_random_seed


def main():
    set_random_seed(42)
    env = Monitor(gym.make("CartPole-v1"))
    model = DQN(  # planted
        "MlpPolicy",
        env,
        learning_starts=100,
        buffer_size=1000,
        policy_kwargs={"net_arch": [32]},
        device="cpu",
        verbose=0,
    )  # also
    model.learn(400)  # also
    mean, deviation = evaluate_policy(model, env, n_eval_episodes=2)
    print("reward", mean, deviation)
    weights = [p.detach().numpy() for p in model.policy.parameters()]
    print("HASH", hashlib.sha256(b"".join(np.ascontiguousarray(w).tobytes() for w in weights)).hexdigest())


if __name__ == "__main__":
    main()
