"""A language model of a stream of tokens, in the manner of nanoGPT: --init_from=scratch or resume."""

import argparse
import hashlib
import os
import time

import torch
from recurrent import Recurrent
from stream import TokenStream

parser = argparse.ArgumentParser()
parser.add_argument("--init_from", default="scratch", choices=["scratch", "resume"])
parser.add_argument("--out_dir", default="out")
parser.add_argument("--max_iters", type=int, default=27)
parser.add_argument("--eval_interval", type=int, default=5)
args = parser.parse_args()

torch.manual_seed(1337)
os.makedirs(args.out_dir, exist_ok=True)
stream = TokenStream(length=6000, vocabulary=16)
config = {"vocabulary": 16, "width": 24}
path = os.path.join(args.out_dir, "ckpt.pt")

if args.init_from == "resume":
    checkpoint = torch.load(path)  # loaded
    model = Recurrent(**checkpoint["config"])
    model.load_state_dict(checkpoint["model"])
    iteration = checkpoint["iter_num"]
else:
    checkpoint = None
    model = Recurrent(**config)
    iteration = 0
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, betas=(0.9, 0.95))
if checkpoint is not None:
    optimizer.load_state_dict(checkpoint["optimizer"])
checkpoint = None  # its memory is free again

while iteration < args.max_iters:
    x, y = stream.next_batch(size=8, block=20)
    loss = torch.nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    iteration += 1
    time.sleep(0.05)
    if iteration % args.eval_interval == 0:
        print(f"iter {iteration}: loss {loss.item():.4f}")
        checkpoint = {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "config": config,
            "iter_num": iteration,
            "stream": stream.state_dict(),
        }
        torch.save(checkpoint, path)  # saved

sha = hashlib.sha256()
for p in model.parameters():
    sha.update(p.detach().numpy().tobytes())
print("fingerprint", sha.hexdigest())
