import json
import random
from concurrent import futures

import requests

URL = "http://localhost:8000/score"


def score(row):
    reply = requests.post(URL, json={"prompt": row["prompt"], "answers": row["answers"]}, timeout=60)
    return {**row, "scores": reply.json()["scores"]}


def to_pair(row):
    (good, high), (bad, low) = sorted(zip(row["answers"], row["scores"]), key=lambda t: -t[1])[:2]
    pair = {"prompt": row["prompt"], "a": good, "b": bad, "label": 0, "margin": high - low}
    if random.random() < 0.5:
        pair.update(a=bad, b=good, label=1)
    return pair


def main(source="answers.jsonl", target="pairs.jsonl"):
    with open(source) as f:
        rows = [json.loads(line) for line in f]
    pairs = []
    with futures.ThreadPoolExecutor(16) as pool:
        jobs = {pool.submit(score, row) for row in rows}
        for job in futures.as_completed(jobs):
            pairs.append(to_pair(job.result()))
    with open(target, "w") as f:
        for pair in pairs:
            f.write(json.dumps(pair) + "\n")


if __name__ == "__main__":
    main()
