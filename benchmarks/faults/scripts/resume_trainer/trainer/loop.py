import torch


class Trainer:
    def __init__(self, model, optimizer, scheduler, checkpointer):
        self.model = model
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.checkpointer = checkpointer

    @property
    def parts(self):
        return {
            "model": self.model,
            "optimizer": self.optimizer,
            "scheduler": self.scheduler,
        }

    def fit(self, batch_fn, steps):
        start = self.checkpointer.restore(**self.parts)
        for step in range(start + 1, steps + 1):
            x, y = batch_fn()
            loss = torch.nn.functional.mse_loss(self.model(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.scheduler.step()
            self.checkpointer.save(step, **self.parts)
            print(f"step {step}/{steps} loss {loss.item():.5f}")
