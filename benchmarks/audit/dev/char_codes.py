from __future__ import annotations

import json
from pathlib import Path


class CharTokenizer:
    specials = ["<pad>", "<bos>", "<eos>"]

    def __init__(self):
        self.seen: set[str] = set()
        self.stoi: dict[str, int] = {}

    def feed(self, text: str) -> None:
        self.seen |= set(text)

    def freeze(self) -> "CharTokenizer":
        self.stoi = {tok: i for i, tok in enumerate(self.specials)}
        offset = len(self.stoi)
        for i, ch in enumerate(self.seen):
            self.stoi[ch] = offset + i
        return self

    @property
    def itos(self) -> dict[int, str]:
        return {i: t for t, i in self.stoi.items()}

    def encode(self, text: str) -> list[int]:
        return [1, *(self.stoi[c] for c in text), 2]

    def decode(self, ids: list[int]) -> str:
        table = self.itos
        return "".join(table[i] for i in ids if i > 2)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(self.stoi, ensure_ascii=False))


def build(corpus: Path) -> CharTokenizer:
    tokenizer = CharTokenizer()
    for line in corpus.read_text().splitlines():
        tokenizer.feed(line)
    return tokenizer.freeze()
