# The seed is set before the adapter is drawn.
import hashlib

import torch
from peft import LoraConfig, get_peft_model
from torch.utils.data import DataLoader, TensorDataset
from transformers import BertConfig, BertForSequenceClassification, set_seed


def pretrained():
    """The base model, with weights that are the same each time, as from a checkpoint."""
    config = BertConfig(
        vocab_size=120,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=16,
        num_labels=3,
    )
    with torch.device("meta"):
        model = BertForSequenceClassification(config)
    model.to_empty(device="cpu")
    with torch.no_grad():
        for number, p in enumerate(model.parameters()):
            values = torch.arange(p.numel(), dtype=torch.float32).mul(0.37 + number).sin() * 0.1
            p.copy_(values.view_as(p))
        for name, b in model.named_buffers():
            b.copy_(
                torch.arange(b.numel()).view_as(b) if name.endswith("position_ids") else torch.zeros_like(b)
            )
    return model


def main():
    set_seed(0)
    adapter = LoraConfig(
        r=4, lora_alpha=8, lora_dropout=0.1, target_modules=["query", "value"], task_type="SEQ_CLS"
    )
    model = get_peft_model(pretrained(), adapter)
    model.print_trainable_parameters()
    g = torch.Generator().manual_seed(5)
    ids = torch.randint(5, 120, (192, 12), generator=g)
    labels = ids[:, 0] % 3
    loader = DataLoader(TensorDataset(ids, labels), batch_size=16, shuffle=True)
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=2e-3)
    model.train()
    for epoch in range(2):
        for batch, target in loader:
            loss = model(input_ids=batch, labels=target).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
    trained = [p for p in model.parameters() if p.requires_grad]
    print("HASH", hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in trained)).hexdigest())


if __name__ == "__main__":
    main()
