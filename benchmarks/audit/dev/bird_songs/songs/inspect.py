from .files import find, total_size


def table(folder):
    paths = find(folder, ".npy")
    paths.sort(key=lambda p: (p.parent.name, p.name))
    for path in paths:
        print(path.parent.name, path.name, sep="\t")
    print(total_size(folder), "bytes")
