"""The two trainers: how a checkout is known, which settings are changed, its data, and how it is started.

A change is a text of the trainer's own source and what stands there instead.  The text must be there once, so
that another commit, whose settings may mean something else, is an error and not another training.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

#: Of every trainer here.  The first one's own size of a batch is 4.
EPOCHS, WORKERS, BATCH, TRAINED, VALIDATED = 2, 2, 4, 16, 4
STEPS = TRAINED // BATCH * EPOCHS
WIDTH, HEIGHT = 120, 96


class EditError(Exception):
    """A text to be replaced is not in the trainer's file once."""


@dataclass(frozen=True)
class Edit:
    """In the file `name`, `by` instead of `replaced`."""

    name: str
    replaced: str
    by: str

    def apply(self, folder: Path) -> None:
        file = folder / self.name
        text = file.read_text(encoding="utf-8")
        if (count := text.count(self.replaced)) != 1:
            raise EditError(f"{file}: {self.replaced.strip()!r} is there {count} times; expected once")
        file.write_text(text.replace(self.replaced, self.by), encoding="utf-8")

    def __str__(self) -> str:
        return f"{self.name}: {' '.join(self.replaced.split())} -> {' '.join(self.by.split())}"


@dataclass(frozen=True)
class Picture:
    """A JPEG and its boxes: class, left, top, right, bottom, in pixels."""

    file: str
    boxes: tuple[tuple[int, int, int, int, int], ...]


@dataclass(frozen=True)
class Trainer:
    """A program that is trained."""

    name: str
    url: str
    files: tuple[str, ...]  # by which a checkout is known
    words: tuple[str, ...]  # what follows `python`, or `samebits run`
    weights: str  # the file it saves last
    edits: tuple[Edit, ...]
    describe: Callable[
        [Path, list[Picture], list[Picture]], None
    ]  # the data, as the trainer wants it described
    complaint: str | None = None  # what it prints when it goes on without a picture
    seeds_itself: bool = False  # so that `--seed` has no effect on it


def pictures(folder: Path) -> tuple[list[Picture], list[Picture]]:
    """Make those to train and to validate with, below `folder`/tiny/images; the same at every call."""
    from PIL import Image

    draw = np.random.default_rng(0)
    (folder / "tiny" / "images").mkdir(parents=True)
    made = []
    for number in range(TRAINED + VALIDATED):
        pixels = draw.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        boxes = []
        for _ in range(2):
            left, top = (int(draw.integers(5, limit)) for limit in (60, 40))
            right, bottom = left + int(draw.integers(25, 55)), top + int(draw.integers(20, 50))
            kind = int(draw.integers(3))
            pixels[top:bottom, left:right] //= 4
            pixels[top:bottom, left:right, kind] += 180
            boxes.append((kind, left, top, right, bottom))
        file = f"tiny/images/{number:02}.jpg"
        Image.fromarray(pixels).save(folder / file)
        made.append(Picture(file, tuple(boxes)))
    return made[:TRAINED], made[TRAINED:]


def _lines_of_boxes(folder: Path, train: list[Picture], valid: list[Picture]) -> None:
    """A line a picture: its file, then left,top,right,bottom,class of each box."""
    for name, chosen in (("2007_train.txt", train), ("2007_val.txt", valid)):
        lines = []
        for picture in chosen:
            boxes = [",".join(map(str, (*corners, kind))) for kind, *corners in picture.boxes]
            lines.append(" ".join([picture.file, *boxes]) + "\n")
        (folder / name).write_text("".join(lines))


def _files_of_boxes(folder: Path, train: list[Picture], valid: list[Picture]) -> None:
    """A file a picture: class, center and size of each box as fractions of the picture's; and two lists."""
    tiny = folder / "tiny"
    (tiny / "labels").mkdir()
    for picture in (*train, *valid):
        lines = []
        for kind, left, top, right, bottom in picture.boxes:
            center = (left + right) / 2 / WIDTH, (top + bottom) / 2 / HEIGHT
            size = (right - left) / WIDTH, (bottom - top) / HEIGHT
            lines.append(" ".join(map(str, (kind, *center, *size))) + "\n")
        (tiny / "labels" / Path(picture.file).with_suffix(".txt").name).write_text("".join(lines))
    for name, chosen in (("train.txt", train), ("valid.txt", valid)):
        (tiny / name).write_text("".join(f"{picture.file}\n" for picture in chosen))
    (tiny / "tiny.data").write_text(
        "classes=80\ntrain=tiny/train.txt\nvalid=tiny/valid.txt\nnames=data/coco.names\n"
    )


_SCRIPT, _MODEL = "train.py", "config/yolov3.cfg"

_PLAIN = (
    Trainer(
        name="yolov4-pytorch",
        url="https://github.com/bubbliiiing/yolov4-pytorch",
        files=("train.py", "nets/CSPdarknet.py", "utils_coco/coco_annotation.py"),
        words=("train.py",),
        weights="logs/last_epoch_weights.pth",
        seeds_itself=True,
        edits=(
            Edit(_SCRIPT, "\n    Cuda = True\n", "\n    Cuda = False\n"),
            Edit(
                _SCRIPT,
                "\n    model_path      = 'model_data/yolo4_weights.pth'\n",
                "\n    model_path      = ''\n",
            ),
            Edit(_SCRIPT, "\n    input_shape     = [416, 416]\n", "\n    input_shape     = [64, 64]\n"),
            Edit(_SCRIPT, "\n    UnFreeze_Epoch      = 300\n", f"\n    UnFreeze_Epoch      = {EPOCHS}\n"),
            Edit(_SCRIPT, "\n    Freeze_Train        = True\n", "\n    Freeze_Train        = False\n"),
            Edit(_SCRIPT, "\n    num_workers         = 4\n", f"\n    num_workers         = {WORKERS}\n"),
        ),
        describe=_lines_of_boxes,
    ),
    Trainer(
        name="PyTorch-YOLOv3",
        url="https://github.com/eriklindernoren/PyTorch-YOLOv3",
        files=("pytorchyolo/train.py", "config/yolov3.cfg", "data/coco.names"),
        words=(
            *("-m", "pytorchyolo.train", "--model", _MODEL, "--data", "tiny/tiny.data"),
            *("--epochs", str(EPOCHS), "--n_cpu", str(WORKERS)),
            *("--checkpoint_interval", str(EPOCHS), "--evaluation_interval", str(EPOCHS + 1)),
        ),
        weights=f"checkpoints/yolov3_ckpt_{EPOCHS}.pth",
        edits=(  # of a description of the model, which its own option names; no source
            Edit(_MODEL, "\nbatch=16\n", f"\nbatch={BATCH}\n"),
            Edit(_MODEL, "\nwidth=416\n", "\nwidth=96\n"),
            Edit(_MODEL, "\nheight=416\n", "\nheight=96\n"),
            Edit(_MODEL, "\nburn_in=1000\n", "\nburn_in=1\n"),  # else the rate of so few steps is nearly zero
        ),
        describe=_files_of_boxes,
        complaint="Could not ",
    ),
)
#: The last of them seeds nothing unless its own option asks for it.
TRAINERS = (
    *_PLAIN,
    replace(_PLAIN[-1], name=f"{_PLAIN[-1].name} --seed 11", words=(*_PLAIN[-1].words, "--seed", "11")),
)
