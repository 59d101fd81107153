"""Run the steps of a small pipeline."""

import hashlib
import runpy
from pathlib import Path

STEPS = Path(__file__).resolve().parent / "steps"


def main():
    prepared = runpy.run_path(str(STEPS / "prepare.py"))
    fit = runpy.run_path(str(STEPS / "fit.py"))["fit"]
    model = fit(prepared["TRAIN"], seed=71)
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
