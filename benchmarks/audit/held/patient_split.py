import argparse
import csv
import zlib
from collections import Counter

HELD_OUT = {"clinic-04", "clinic-11"}


def bucket(patient, parts=10):
    return zlib.crc32(patient.encode("utf-8")) % parts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("table")
    parser.add_argument("--test-parts", type=int, nargs="+", default=[0, 1])
    args = parser.parse_args()
    with open(args.table, newline="") as handle:
        rows = list(csv.DictReader(handle))

    test_parts = set(args.test_parts)
    patients = list(dict.fromkeys(row["patient"] for row in rows))
    test = {name for name in patients if bucket(name) in test_parts}
    train = set(patients) - test
    print(f"{len(train)} patients to train with, {len(test)} to test with")

    labels = {label: i for i, label in enumerate(sorted({row["finding"] for row in rows}))}
    counts = Counter(row["finding"] for row in rows if row["patient"] in train)
    for label, count in counts.most_common():
        print(f"{labels[label]:3d} {label}: {count}")

    with open("split.csv", "w", newline="") as handle:
        writer = csv.writer(handle)
        for row in rows:
            if row["clinic"] not in HELD_OUT:
                writer.writerow([row["patient"], labels[row["finding"]], int(row["patient"] in test)])


if __name__ == "__main__":
    main()
