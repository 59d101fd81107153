import argparse
import os
from pathlib import Path


def weights_in(folder):
    return [entry.path for entry in os.scandir(folder) if entry.name.endswith(".pt")]


def newest(folder):
    return max(Path(folder).glob("*.pt"), key=lambda path: path.stat().st_mtime, default=None)


def remove_partial(folder):
    for path in Path(folder).iterdir():
        if path.suffix == ".tmp":
            path.unlink()


def remove_old(folder, keep):
    paths = sorted(weights_in(folder))
    for path in paths[: max(0, len(paths) - keep)]:
        os.remove(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--keep", type=int, default=3)
    args = parser.parse_args()
    remove_partial(args.folder)
    print(f"{len(os.listdir(args.folder))} files, newest {newest(args.folder)}")
    remove_old(args.folder, args.keep)
    names = weights_in(args.folder)
    names.sort()
    print("\n".join(names))


if __name__ == "__main__":
    main()
