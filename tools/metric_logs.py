"""Logs as each logger's own library writes them, which the tests of `samebits.metrics.readers` read.

    python -m tools.metric_logs [--out tests/metrics/files] [NAME ...]

Runs in an environment of its own, with torch (its CPU build) and

    pip install tensorboard tensorboardX pytorch-lightning transformers accelerate wandb mlflow-skinny keras
    pip install --no-deps ultralytics

Each library writes the same five steps into a folder of its name and version.  The loss of step s is 1/(s +
3). The accuracy is s/7, logged at the steps 0, 2 and 4.  A metric that is NaN and infinite and a duration are
in most.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

STEPS = range(5)


def loss(step: int) -> float:
    return 1 / (step + 3)


def accuracy(step: int) -> float:
    return step / 7


def odd(step: int) -> float:
    """Numbers as a training that breaks has them."""
    return [0.5, math.inf, -math.inf, math.nan, -0.0][step]


def torch(folder: Path) -> None:
    """torch.utils.tensorboard: the old style, the new one, doubles, and summaries that are no scalars."""
    import numpy as np
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        for step in STEPS:
            writer.add_scalar("train/loss", loss(step), step)
            writer.add_scalar("new/loss", loss(step), step, new_style=True)
            writer.add_scalar("double/loss", loss(step), step, new_style=True, double_precision=True)
            writer.add_scalar("odd", odd(step), step)
            writer.add_scalar("epoch_time", 0.25, step)
            if step % 2 == 0:
                writer.add_scalar("val/acc", accuracy(step), step)
        writer.add_scalar("before", 1.0, -7)
        writer.add_text("config", "lr: 0.1")
        writer.add_histogram("weights", np.arange(4.0))
        writer.add_image("image", np.zeros((3, 2, 2)))


def tensorboardx(folder: Path) -> None:
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        for step in STEPS:
            writer.add_scalar("train/loss", loss(step), step)
            writer.add_scalar("odd", odd(step), step)


def tensorflow(folder: Path) -> None:
    """What TF2's `tf.summary.scalar` writes, made with the messages of tensorboard: TensorFlow is large.

    Its metadata comes with a tag's first value alone, and the value is a tensor's content.
    """
    import struct

    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.plugins.scalar import metadata
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    def write(step: int, tag: str, dtype: int, content: bytes) -> None:
        tensor = TensorProto(dtype=dtype, tensor_shape=TensorShapeProto(), tensor_content=content)
        described: SummaryMetadata | None = metadata.create_summary_metadata("", "") if step == 0 else None
        value = Summary.Value(tag=tag, tensor=tensor, metadata=described)
        writer.add_event(Event(wall_time=1.0, step=step, summary=Summary(value=[value])))

    writer = EventFileWriter(str(folder))
    for step in STEPS:
        write(step, "loss", 1, struct.pack("<f", loss(step)))
        write(step, "double", 2, struct.pack("<d", loss(step)))
        write(step, "half", 19, struct.pack("<e", loss(step)))
        write(step, "bfloat16", 14, struct.pack("<f", loss(step))[2:])
    writer.close()


def lightning(folder: Path) -> None:
    """A training with both of Lightning's own loggers."""
    import torch
    from pytorch_lightning import LightningModule, Trainer
    from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger

    class Model(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def training_step(self, batch: Any, number: int) -> torch.Tensor:
            self.log("loss", torch.tensor(loss(self.global_step)))
            return self.weight.sum()

        def validation_step(self, batch: Any, number: int) -> None:
            self.log("val_acc", accuracy(self.current_epoch))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), 0.1)

    data: Any = torch.utils.data.DataLoader(torch.zeros(5, 1), batch_size=1)  # type: ignore[arg-type]
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=[CSVLogger(folder, "csv"), TensorBoardLogger(folder, "tensorboard")],
        log_every_n_steps=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(Model(), data, data)


def transformers(folder: Path) -> None:
    """A real training's trainer_state.json, in a checkpoint."""
    import torch
    from transformers import Trainer, TrainingArguments

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"loss": ((self.weight * x - labels) ** 2).mean(), "logits": self.weight * x}

    data = [{"x": torch.tensor([k + 1.0]), "labels": torch.tensor([1.0])} for k in range(5)]
    arguments = TrainingArguments(
        str(folder),
        max_steps=5,
        logging_steps=1,
        save_steps=5,
        eval_strategy="steps",
        eval_steps=5,
        per_device_train_batch_size=1,
        learning_rate=0.1,
        lr_scheduler_type="constant",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    Trainer(Model(), arguments, train_dataset=data, eval_dataset=data).train()
    for file in (folder / "checkpoint-5").iterdir():
        if file.name != "trainer_state.json":
            file.unlink()


def mlflow(folder: Path) -> None:
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    os.environ["LOGNAME"] = "user"  # the name that is kept with a run
    import mlflow

    mlflow.set_tracking_uri(folder.as_uri())
    mlflow.set_experiment("five")
    with mlflow.start_run(run_name="first"):
        mlflow.log_param("lr", 0.1)
        for step in STEPS:
            mlflow.log_metric("train/loss", loss(step), step)
            mlflow.log_metric("odd", odd(step), step)
            mlflow.log_metric("epoch_time", 0.25, step)
    for tags in folder.rglob("tags"):  # who ran it, and where
        shutil.rmtree(tags)


def wandb(folder: Path) -> None:
    import wandb

    quiet = {"x_disable_stats": True, "x_disable_meta": True, "disable_git": True, "console": "off"}
    with wandb.init(mode="offline", dir=str(folder), project="five", settings=quiet) as run:
        for step in STEPS:
            row: dict[str, Any] = {"train/loss": loss(step), "nested": {"loss": loss(step)}, "odd": odd(step)}
            row |= {"note": "text", "epoch_time": 0.25, "histogram": wandb.Histogram([1.0, 2.0], num_bins=2)}
            if step % 2 == 0:
                row["val.acc"] = accuracy(step)
            run.log(row, step=step * 10)
    for path in sorted((folder / "wandb").rglob("*"), reverse=True):
        if path.is_symlink() or (path.is_file() and path.suffix != ".wandb"):
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def keras(folder: Path) -> None:
    """Keras's CSVLogger, driven by hand."""
    os.environ["KERAS_BACKEND"] = "torch"
    from keras.callbacks import CSVLogger

    log = CSVLogger(str(folder / "log.csv"))
    log.set_model(type("Model", (), {"stop_training": False})())
    log.on_train_begin()
    for step in STEPS:
        log.on_epoch_end(step, {"loss": loss(step), "val_loss": odd(step)})
    log.on_train_end()


def ultralytics(folder: Path) -> None:
    """results.csv by the code of Ultralytics' own trainer, without a training: `save_metrics` alone runs.

    Its module would import OpenCV and more, so that method is compiled out of its installed source.
    """
    import ast
    import time
    from importlib.util import find_spec
    from types import SimpleNamespace

    spec = find_spec("ultralytics")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    source = Path(spec.submodule_search_locations[0], "engine", "trainer.py").read_text("utf-8")
    method = next(
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and node.name == "save_metrics"
    )
    room: dict[str, Any] = {"time": time, "Path": Path}
    exec(compile(ast.Module([method], []), "trainer.py", "exec"), room)  # noqa: S102
    trainer = SimpleNamespace(csv=folder / "results.csv", train_time_start=time.time(), epoch=0)
    for step in STEPS:
        trainer.epoch = step
        row = {"train/box_loss": loss(step), "metrics/mAP50(B)": accuracy(step), "lr/pg0": 0.01}
        room["save_metrics"](trainer, row)


#: What writes the files of a folder, and the distribution whose version the folder carries.
WRITERS = {
    "torch": (torch, "torch"),
    "tensorboardX": (tensorboardx, "tensorboardX"),
    "tensorflow": (tensorflow, "tensorboard"),
    "pytorch-lightning": (lightning, "pytorch-lightning"),
    "transformers": (transformers, "transformers"),
    "mlflow": (mlflow, "mlflow-skinny"),
    "wandb": (wandb, "wandb"),
    "keras": (keras, "keras"),
    "ultralytics": (ultralytics, "ultralytics"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("tests/metrics/files"))
    parser.add_argument("names", nargs="*", metavar="NAME", help="of " + ", ".join(WRITERS))
    options = parser.parse_args()
    for name in options.names or WRITERS:
        write, distribution = WRITERS[name]
        folder = options.out / f"{name}-{version(distribution).partition('+')[0]}"
        with tempfile.TemporaryDirectory() as place:
            write(Path(place))
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(place, folder)
        print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
