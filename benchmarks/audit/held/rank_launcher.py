import os
import subprocess
import sys

import torch


def launch(script, rank, world, port):
    env = os.environ | {
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(world),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    return subprocess.Popen([sys.executable, script, *sys.argv[2:]], env=env)


def report(device):
    free, total = torch.cuda.mem_get_info(device)
    print(f"GPU {device}: {free / total:.0%} of the memory is free")


def main():
    script, world = sys.argv[1], 4
    for device in range(world):
        report(device)
    children = [launch(script, rank, world, port=29511) for rank in range(world)]
    codes = [child.wait() for child in children]
    sys.exit(max(abs(code) for code in codes))


if __name__ == "__main__":
    main()
