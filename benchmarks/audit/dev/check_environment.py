import os
import platform
import sys

import torch

WANTED = {
    "PYTHONHASHSEED": "0",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}


def problems():
    found = []
    for name, value in WANTED.items():
        actual = os.environ.get(name)
        if actual != value:
            found.append(f'{name} is {actual!r}: start with {name}="{value}"')
    if torch.backends.cudnn.benchmark:
        found.append("cuDNN picks its kernels by timing them")
    return found


def main():
    print(f"python {platform.python_version()}, torch {torch.__version__}, CUDA {torch.version.cuda}")
    for line in problems():
        print(" -", line)
    sys.exit(1 if problems() else 0)


if __name__ == "__main__":
    main()
