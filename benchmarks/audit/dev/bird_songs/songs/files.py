from pathlib import Path


def find(folder, suffix):
    return [p for p in Path(folder).rglob(f"*{suffix}") if not p.name.startswith("._")]


def total_size(folder):
    return sum(p.stat().st_size for p in find(folder, ".npy"))
