"""Hardware and versions, which every result carries, and the CSV they are written to."""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def facts() -> dict[str, str]:
    import torch

    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as f:
            model = next(
                (line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), model
            )
    except OSError:
        pass
    return {
        "cpu": model,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
    }


def describe() -> str:
    return ", ".join(f"{key} {value}" for key, value in facts().items())


def write(path: Path, rows: Sequence[Mapping[str, Any]], kept: Sequence[Mapping[str, Any]] = ()) -> None:
    """Replace ``path`` by these rows, each with the machine and the day, after ``kept`` as they are."""
    stamp = {"date": datetime.now(UTC).date().isoformat(), **facts()}
    columns = list(dict.fromkeys(key for row in rows for key in row)) + list(stamp)
    path.parent.mkdir(exist_ok=True)
    with open(path, "w", newline="") as f:
        out = csv.DictWriter(f, columns, restval="", lineterminator="\n")
        out.writeheader()
        out.writerows(kept)
        for row in rows:
            out.writerow({k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()} | stamp)
