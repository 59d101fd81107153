from orchard import Trainer, restore
from orchard.loaders import build
from orchard.seeding import seed_streams


def run(data, seed, epochs, resume):
    seed_streams(seed)
    train, val = build(data, seed=seed)
    trainer = Trainer(n_inputs=train.dataset.n_inputs, name=f"orchard-{seed}")
    first = restore(resume, trainer, train.generator) if resume else 0
    trainer.fit(train, val, range(first, epochs))
