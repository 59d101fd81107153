"""What to add to a program for each state that a resumed run lacks, in the words of its framework."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from samebits.trials.resume.history import History

#: How each framework is known: by who saves, and by what the program imports.
_FRAMEWORKS: Final = (
    ("lightning", re.compile(r"^(pytorch_lightning|lightning)\b")),
    ("transformers", re.compile(r"^transformers\b")),
    ("accelerate", re.compile(r"^accelerate\b")),
    ("ultralytics", re.compile(r"^ultralytics\b")),
)
#: Framework -> (what resumes it, where its checkpoints lie), as it is told where no way to resume is given.
WAYS: Final[Mapping[str, tuple[str, str]]] = {
    "lightning": ('trainer.fit(model, ckpt_path="last")', "lightning_logs/*/checkpoints, or dirpath"),
    "transformers": ("trainer.train(resume_from_checkpoint=True)", "checkpoint-* in output_dir"),
    "accelerate": ("accelerator.load_state(folder)", "the folder given to save_state"),
    "ultralytics": ("model.train(resume=True)", "runs/*/weights/last.pt"),
}

#: A plain value, which accelerate registers not: a file of its own in the checkpoint's folder.
_BESIDE: Final = (
    'torch.save({path}, f"{{folder}}/{name}.pt")  # behind save_state(folder)\n'
    '{path} = torch.load(f"{{folder}}/{name}.pt")  # behind load_state(folder)'
)
_WORDS: Final[Mapping[tuple[str, str], str]] = {
    ("lightning", "rng"): "from samebits.integrations.lightning import RngState\n"
    "Trainer(callbacks=[RngState()], ...)",
    ("lightning", "loader-position"): "from samebits.data import SeededLoader  # it keeps its place\n"
    "loader = SeededLoader(dataset, batch_size=..., seed=0)  # or torchdata's StatefulDataLoader",
    ("lightning", "counter"): 'def on_save_checkpoint(self, checkpoint): checkpoint["{leaf}"] = self.{leaf}\n'
    'def on_load_checkpoint(self, checkpoint): self.{leaf} = checkpoint["{leaf}"]',
    ("transformers", "rng"): "class Rng(TrainerCallback):\n"
    "    def on_save(self, args, state, control, **kwargs):\n"
    '        folder = f"{{args.output_dir}}/checkpoint-{{state.global_step}}"\n'
    '        torch.save(samebits.capture_rng(), f"{{folder}}/rng.pt")\n'
    "# and, in on_train_begin of a resumed run: samebits.restore_rng(torch.load(...))",
    # The Trainer keeps the process-wide generators and the order itself, so that no other state is put back.
    ("transformers", "generator-object"): "class Keep(TrainerCallback):\n"
    "    def on_save(self, args, state, control, **kwargs):\n"
    '        folder = f"{{args.output_dir}}/checkpoint-{{state.global_step}}"\n'
    '        torch.save({path}.bit_generator.state, f"{{folder}}/{name}.pt")  # torch: .get_state()\n'
    "    def on_train_begin(self, args, state, control, **kwargs):\n"
    "        if state.global_step:  # it goes on\n"
    '            folder = f"{{args.output_dir}}/checkpoint-{{state.global_step}}"\n'
    '            {path}.bit_generator.state = torch.load(f"{{folder}}/{name}.pt")',
    (
        "transformers",
        "ahead",
    ): "# its loader makes a batch ahead of the step: draw in __getitem__, by sample and epoch\n"
    "from samebits.data import SampleSeeded\n"
    "class Epochs(TrainerCallback):\n"
    "    def on_epoch_begin(self, args, state, control, train_dataloader=None, **kwargs):\n"
    "        train_dataloader.dataset.set_epoch(int(state.epoch))\n"
    "Trainer(train_dataset=SampleSeeded(dataset, seed=0), callbacks=[Epochs()], ...)",
    (
        "accelerate",
        "ahead",
    ): "# its order is drawn as an epoch begins: let it follow from seed and epoch, and keep its place\n"
    "from samebits.data import SeededLoader\n"
    "loader = SeededLoader(dataset, batch_size=..., shuffle=True, seed=0)\n"
    "accelerator.register_for_checkpointing(loader)  # in place of prepare(loader) and skip_first_batches",
    ("accelerate", "rng"): "from samebits.integrations.accelerate import RngState\n"
    "accelerator.register_for_checkpointing(RngState({name}={name}))",
    ("accelerate", "counter"): _BESIDE,
    ("accelerate", "value"): _BESIDE,
    ("accelerate", "object"): "accelerator.register_for_checkpointing({name})  # it has state_dict and "
    "load_state_dict",
    ("accelerate", "loader-position"): "DataLoaderConfiguration(use_stateful_dataloader=True)  # or\n"
    "loader = accelerator.skip_first_batches(loader, batches_done)",
    ("ultralytics", "rng"): "Ultralytics saves no generator: model.add_callback('on_model_save', save) with\n"
    "torch.save(samebits.capture_rng(), trainer.wdir / 'rng.pt'), and samebits.restore_rng in on_train_start",
}

#: Process-wide generators -> what gives their state, and what takes it.
_GENERATORS: Final = {
    "python-generator": ("random.getstate", "random.setstate"),
    "numpy-generator": ("np.random.get_state", "np.random.set_state"),
    "torch-generator": ("torch.get_rng_state", "torch.set_rng_state"),
}
_RNG: Final = frozenset(
    {"python-generator", "numpy-generator", "torch-generator", "generator-object", "augmentation"}
)
_OBJECTS: Final = frozenset({"scheduler", "optimizer", "scaler", "ema"})


def framework(run: History) -> str | None:
    """The framework by which a program trains; None: a loop of its own."""
    savers = [fact.detail.by for fact in run.saves() if fact.detail.by]
    imported = re.findall(r"(?m)^\s*(?:import|from)\s+([\w.]+)", "\n".join(run.sources.values()))
    for name, pattern in _FRAMEWORKS:
        if any(pattern.match(by) for by in savers):
            return name
    for name, pattern in _FRAMEWORKS:
        if any(pattern.match(module) for module in imported):
            return name
    return None


#: What a state is that decides what is to be added, beside its kind: a plain variable of the program's, the
#: count of a loop over a range, a variable inside of a function, buffers beside parameters that are saved, or
#: one of a rank that saves nothing.
Case = Literal["", "variable", "count", "inside", "beside", "rank"]


def fix(kind: str, path: str, how: str, key: str | None, used: str | None, *, case: Case = "") -> str:
    """What to add, as lines of a program."""
    if case in ("variable", "count", "inside") and kind in ("loader-position", "sampler-epoch", "ema"):
        kind = "counter"
    name = re.sub(r"^(?:\w+\.)*?self\.", "self.", path)
    leaf = re.split(r"[.\[]", path)[-1].strip("]'\"") or "state"
    plain = _of_case(case, kind, name, leaf, key) or _plain(kind, name, leaf, how, key)
    if used is None:
        return plain
    # A generator that was put back and is another then: the framework draws from it before the first step.
    ahead = how == "changed" and kind in _RNG
    groups = ("ahead",) if ahead else (kind, "rng" if kind in _RNG else "object" if kind in _OBJECTS else "")
    for group in groups:
        words = _WORDS.get((used, group))
        if words is not None and (ahead or how != "changed"):
            return words.format(name=leaf if leaf.isidentifier() else "state", leaf=leaf, path=name)
    return plain


def _of_case(case: Case, kind: str, name: str, leaf: str, key: str | None) -> str | None:
    """Where lines that are right elsewhere would have no effect."""
    entry = f'checkpoint["{_top(key or leaf)}"]'
    if case == "count" and kind == "counter":
        return (
            f'"{_top(key or leaf)}": {leaf} + 1,  # among what is saved: this one is done\n'
            f"for {leaf} in range({entry}, ...):  # where the loop begins"
        )
    if case == "inside":
        outer = name.rpartition(".")[0] or "a function"
        return f"# {leaf} is a variable inside of {outer}: make it an attribute, to save and set it"
    if case == "beside" and kind in ("buffers", "ema"):
        into = f"{re.sub(r'[^a-zA-Z0-9]+', '_', name.removeprefix('self.')).strip('_')}_buffers"
        return (
            f'"{into}": dict({name}.named_buffers()),  # among what is saved: what of them is not there yet\n'
            f'for at, buffer in checkpoint["{into}"].items(): {name}.get_buffer(at).copy_(buffer)'
        )
    if case == "rank" and kind in ("python-generator", "numpy-generator", "torch-generator"):
        read, write = _GENERATORS[kind]
        return (
            "states = [None] * dist.get_world_size()\n"
            f"dist.all_gather_object(states, {read}())  # in each rank\n"
            f'"{leaf}_rng": states,  # among what rank 0 saves\n'
            f'{write}(checkpoint["{leaf}_rng"][dist.get_rank()])  # in each rank'
        )
    return None


def _plain(kind: str, name: str, leaf: str, how: str, key: str | None) -> str:
    """For a loop of the program's own."""
    entry = f'checkpoint["{_top(key or leaf)}"]'
    if kind in _RNG:
        return _generator(kind, name, leaf, how, key)
    if kind in ("optimizer", "scheduler", "scaler", "model-part", "buffers", "ema"):
        thing = name if kind != "model-part" else re.match(r".*\]|[^.]*", name)[0]  # type: ignore[index]
        into = re.sub(r"\W+", "_", thing.removeprefix("self.")).strip("_") if key is None else _top(key)
        load = f'{thing}.load_state_dict(checkpoint["{into}"])'
        if how == "changed":
            return f"{load}  # behind all that changes it: it was loaded, and is another then"
        if how == "not loaded":
            return f"{load}  # it is saved, and never loaded"
        return f'"{into}": {thing}.state_dict(),  # among what is saved\n{load}  # behind the others'
    if kind == "loader-position":
        place = (
            "" if key is None else f"# {entry} is saved: pass over so many batches of the first pass, or\n"
        )
        return place + (
            "from samebits.data import SeededLoader\n"
            "loader = SeededLoader(dataset, batch_size=..., seed=0)  # it keeps its place\n"
            '"loader": loader.state_dict(),  # among what is saved; StatefulDataLoader has it, too\n'
            'loader.load_state_dict(checkpoint["loader"])'
        )
    if kind == "sampler-epoch":
        return (
            f"{name.rpartition('.')[0] or 'sampler'}.set_epoch(epoch)  # with the epoch from the checkpoint"
        )
    if kind == "worker-streams":
        return (
            "from samebits.data import SampleSeeded, SeededLoader\n"
            "dataset = SampleSeeded(dataset, seed=0)  # numbers by a sample's index\n"
            "loader = SeededLoader(dataset, num_workers=..., seed=0)"
        )
    if kind == "gradients":
        entry = entry if key else 'checkpoint["gradients"]'
        back = f"for p, grad in zip(model.parameters(), {entry}): p.grad = grad"
        if how == "not loaded":
            return f"{back}  # they are saved, and never put back"
        return (
            "# save behind an optimizer's step, or\n"
            '"gradients": [p.grad for p in model.parameters()],  # among what is saved\n'
            f"{back}"
        )
    if kind == "frozen":
        return f"# {name}: requires_grad is in no state_dict(): set it by what is loaded, before the loop"
    if kind == "counter" and how == "changed":
        return f'"{_top(key or leaf)}": {name} + 1,  # among what is saved: this one is done'
    if kind == "data":
        return f'"{leaf}": {name},  # among what is saved, or make it with a generator of its own'
    if how == "not loaded":
        return f"{name} = {entry}  # it is saved, and not taken"
    return f'"{leaf}": {name},  # among what is saved\n{name} = checkpoint["{leaf}"]'


def _generator(kind: str, name: str, leaf: str, how: str, key: str | None) -> str:
    if how == "changed":
        return (
            "# it is put back too early: something draws between there and the first step\n"
            f"{_restore(kind, name, key or 'rng')}  # just before the loop"
        )
    if how == "not loaded":
        return f"{_restore(kind, name, key or 'rng')}  # it is saved, and never put back"
    lines = {
        "python-generator": '"python_rng": random.getstate(),',
        "numpy-generator": '"numpy_rng": np.random.get_state(),',
        "torch-generator": '"torch_rng": torch.get_rng_state(),',
    }
    if kind in lines:
        saved = lines[kind]
        restored = _restore(kind, name, saved.split('"')[1])
        return f"{saved}  # among what is saved\n{restored}  # behind all else, just before the loop"
    return (
        "import samebits\n"
        '"rng": samebits.capture_rng(),  # among what is saved: every generator that the program holds\n'
        'samebits.restore_rng(checkpoint["rng"])  # just before the loop'
    )


def _restore(kind: str, name: str, key: str) -> str:
    call = _GENERATORS[kind][1] if kind in _GENERATORS else f"{name}.set_state"
    return f'{call}(checkpoint["{_top(key)}"])'


def _top(key: str) -> str:
    """The outermost key of a path of keys."""
    return re.split(r"[.\[]", key)[0]
