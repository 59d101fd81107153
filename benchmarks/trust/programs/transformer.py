"""A small language model: AdamW with groups, warm-up and cosine decay, clipped gradients."""

import torch
import weights
from torch import nn

torch.manual_seed(2)


class Model(nn.Module):
    def __init__(self, words=50, width=32):
        super().__init__()
        self.embed = nn.Embedding(words, width)
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.1, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, words, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.head(self.body(self.embed(x), mask=mask, is_causal=True))


model = Model()
text = torch.randint(50, (400,))
decayed = [p for p in model.parameters() if p.ndim > 1]
plain = [p for p in model.parameters() if p.ndim <= 1]
optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.1}, {"params": plain}], lr=1e-3)
warm = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=4)
cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12)
schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [warm, cosine], [4])
for _ in range(12):
    at = torch.randint(len(text) - 17, (8,))
    x = torch.stack([text[i : i + 16] for i in at])
    y = torch.stack([text[i + 1 : i + 17] for i in at])
    loss = nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    schedule.step()
weights.show(model)
