from random import choices, shuffle

from datasets import load_dataset
from transformers import AutoTokenizer

TEMPLATES = ["Q: {question}\nA: {answer}", "{question} -> {answer}", "Answer this. {question}\n{answer}"]
WEIGHTS = [0.6, 0.2, 0.2]


def build(tokenizer, max_length):
    def render(example):
        template = choices(TEMPLATES, weights=WEIGHTS)[0]
        parts = list(example["facts"])
        shuffle(parts)
        text = template.format(question=" ".join(parts + [example["question"]]), answer=example["answer"])
        return tokenizer(text, truncation=True, max_length=max_length)

    return render


def main():
    tokenizer = AutoTokenizer.from_pretrained("small-base")
    raw = load_dataset("json", data_files="qa.jsonl", split="train").shuffle(seed=1234)
    parts = raw.train_test_split(test_size=0.05, seed=1234)
    tokenized = parts.map(build(tokenizer, 512), remove_columns=raw.column_names)
    tokenized.save_to_disk("qa_tokenized")
    print({k: len(v) for k, v in tokenized.items()})


if __name__ == "__main__":
    main()
