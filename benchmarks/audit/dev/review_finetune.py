from datasets import load_dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)

MODEL = "tiny-encoder"


def main(seed=42):
    set_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    raw = load_dataset("csv", data_files={"train": "reviews.csv"}, split="train")
    raw = raw.train_test_split(test_size=0.1, seed=seed)
    data = raw.map(lambda row: tokenizer(row["text"], truncation=True), batched=True)
    model = AutoModelForSequenceClassification.from_pretrained(MODEL, num_labels=3)
    args = TrainingArguments(
        output_dir="out",
        seed=seed,
        data_seed=seed,
        num_train_epochs=2,
        per_device_train_batch_size=16,
        eval_strategy="epoch",
    )
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=data["train"],
        eval_dataset=data["test"],
        data_collator=DataCollatorWithPadding(tokenizer),
    )
    trainer.train()
    print(trainer.evaluate())


if __name__ == "__main__":
    main()
