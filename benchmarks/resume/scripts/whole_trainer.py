"""transformers' Trainer, with noise that a sample draws, by its number and the epoch: [--resume]."""

import argparse
import hashlib
import time

import torch
from datasets import Dataset
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    default_data_collator,
    set_seed,
)

from samebits.data import SampleSeeded

MASK = 4


class Budget(TrainerCallback):
    """Ends the training after some steps, however many there would be."""

    def __init__(self, steps):
        self.steps = steps

    def on_step_end(self, args, state, control, **kwargs):
        time.sleep(0.05)
        control.should_training_stop = state.global_step >= self.steps


class Noisy(torch.utils.data.Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row = dict(self.rows[index])
        ids = torch.tensor(row["input_ids"])
        row["input_ids"] = torch.where(torch.rand(ids.shape) < 0.15, torch.full_like(ids, MASK), ids)
        return row


class Epochs(TrainerCallback):
    def on_epoch_begin(self, args, state, control, train_dataloader=None, **kwargs):
        train_dataloader.dataset.set_epoch(int(state.epoch))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resume", action="store_true")
    resume = parser.parse_args().resume

    set_seed(221)
    ids = torch.randint(5, 100, (64, 12), generator=torch.Generator().manual_seed(0))
    dataset = Dataset.from_dict({"input_ids": ids.tolist(), "labels": (ids.sum(1) % 2).tolist()})
    config = BertConfig(
        vocab_size=100,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
        num_labels=2,
    )
    model = BertForSequenceClassification(config)
    arguments = TrainingArguments(
        "out",
        per_device_train_batch_size=8,
        num_train_epochs=4,
        seed=221,
        report_to=[],
        use_cpu=True,
        save_strategy="steps",
        save_steps=5,
        logging_strategy="no",
        disable_tqdm=True,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=SampleSeeded(Noisy(dataset), seed=0),
        data_collator=default_data_collator,
        callbacks=[Budget(23), Epochs()],
    )
    trainer.train(resume_from_checkpoint=resume)  # saved

    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
