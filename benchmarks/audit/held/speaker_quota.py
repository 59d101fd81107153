"""Speaker-disjoint split of an utterance manifest, by hours of speech."""

import argparse
import json
from collections import defaultdict
from pathlib import Path


def load_manifest(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def split_by_hours(utterances, valid_hours):
    seconds = defaultdict(float)
    for utt in utterances:
        seconds[utt["speaker"]] += utt["duration"]
    speakers = {utt["speaker"] for utt in utterances}

    valid, used = set(), 0.0
    for speaker in speakers:
        if used >= valid_hours * 3600:
            break
        valid.add(speaker)
        used += seconds[speaker]
    train = [u for u in utterances if u["speaker"] not in valid]
    held = [u for u in utterances if u["speaker"] in valid]
    return train, held


def write(path, utterances):
    with open(path, "w") as f:
        for utt in utterances:
            f.write(json.dumps(utt) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("manifest")
    parser.add_argument("--valid-hours", type=float, default=2.0)
    args = parser.parse_args()
    train, held = split_by_hours(load_manifest(args.manifest), args.valid_hours)
    write("train.jsonl", train)
    write("valid.jsonl", held)
    print(len(train), len(held))
