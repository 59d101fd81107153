from concurrent.futures import ThreadPoolExecutor, as_completed

import torch
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer


class Embedder:
    def __init__(self, name):
        self.tokenizer = AutoTokenizer.from_pretrained(name)
        self.model = AutoModel.from_pretrained(name).eval()

    @torch.inference_mode()
    def __call__(self, text):
        batch = self.tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
        hidden = self.model(**batch).last_hidden_state
        return hidden.mean(dim=1).squeeze(0)


def embed(texts, name, workers=4):
    embedder = Embedder(name)
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(embedder, t) for t in texts]
        with tqdm(total=len(texts)) as bar:
            for _ in as_completed(futures):
                bar.update(1)
        return torch.stack([f.result() for f in futures])


def lengths(texts, workers=4):
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda t: len(t.split()), texts))
