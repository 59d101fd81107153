import sys
from multiprocessing import Pool
from pathlib import Path

from PIL import Image

SIDE = 224


def convert(job):
    index, source, target = job
    try:
        Image.open(source).convert("RGB").resize((SIDE, SIDE)).save(target)
    except OSError:
        return index, None
    return index, target.name


def main(root, out):
    out = Path(out)
    out.mkdir(exist_ok=True)
    sources = sorted(Path(root).glob("*.jpg"))
    jobs = [(i, path, out / f"{i:06d}.png") for i, path in enumerate(sources)]
    rows, bad = [], 0
    with Pool(8) as pool:
        for index, name in pool.imap_unordered(convert, jobs):
            if name is None:
                bad += 1
                continue
            rows.append((index, name))
    rows.sort()
    (out / "index.txt").write_text("\n".join(name for _, name in rows))
    print(f"{len(rows)} converted, {bad} unreadable")


if __name__ == "__main__":
    main(*sys.argv[1:3])
