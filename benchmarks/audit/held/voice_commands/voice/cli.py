import argparse

import yaml

from .seeding import fix
from .train import train


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--config", default="config.yaml")
    args = ap.parse_args()
    with open(args.config) as f:
        cfg = yaml.safe_load(f)
    fix(cfg["seed"])
    train(cfg)
