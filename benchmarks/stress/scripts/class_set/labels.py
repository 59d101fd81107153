"""Class names, as they are found in an annotation file."""

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def write_annotations(path, targets):
    with open(path, "w", encoding="utf-8") as file:
        for number, target in enumerate(targets):
            file.write(f"{number},{NAMES[target]}\n")


def read_annotations(path):
    with open(path, encoding="utf-8") as file:
        names = [line.strip().split(",")[1] for line in file]
    classes = set(names)
    index = {name: position for position, name in enumerate(classes)}  # planted
    return [index[name] for name in names]
