import os
from pathlib import Path


def text_files(root):
    return [p for p in Path(root).rglob("*.txt") if p.stat().st_size > 0]


def walk_sorted(root):
    out = []
    for folder, dirs, files in os.walk(root):
        dirs.sort()
        for name in sorted(files):
            if name.endswith(".json"):
                out.append(os.path.join(folder, name))
    return out


def build_index(root):
    return {path.stem: i for i, path in enumerate(sorted(text_files(root)))}


def concatenate(root, target):
    paths = text_files(root)
    paths.sort()
    with open(target, "w") as out:
        for path in paths:
            out.write(path.read_text())
            out.write("\n")


if __name__ == "__main__":
    index = build_index("corpus")
    concatenate("corpus", "corpus.all")
    print(len(index), "texts,", len(walk_sorted("meta")), "side files")
