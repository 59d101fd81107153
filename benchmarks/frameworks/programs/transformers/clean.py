# model_init lets the Trainer seed before the model is made.
import hashlib

import torch
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments


class Reviews(Dataset):
    def __init__(self, rows, seed):
        g = torch.Generator().manual_seed(seed)
        self.ids = torch.randint(5, 120, (rows, 16), generator=g)
        self.labels = (self.ids[:, 0] > 60).long()

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, index):
        return {
            "input_ids": self.ids[index],
            "attention_mask": torch.ones(16, dtype=torch.long),
            "labels": self.labels[index],
        }


def main():
    config = BertConfig(
        vocab_size=120,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    )
    arguments = TrainingArguments(
        output_dir="out",
        seed=42,
        num_train_epochs=1,
        per_device_train_batch_size=16,
        learning_rate=5e-4,
        logging_steps=5,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = Trainer(
        model_init=lambda: BertForSequenceClassification(config),
        args=arguments,
        train_dataset=Reviews(256, 0),
        eval_dataset=Reviews(64, 1),
    )
    trainer.train()
    print(trainer.evaluate())
    weights = b"".join(p.detach().numpy().tobytes() for p in trainer.model.parameters())
    print("HASH", hashlib.sha256(weights).hexdigest())


if __name__ == "__main__":
    main()
