"""Find handwritten digits on photographs: a small YOLO, trained with every seed set as the guides set them.

A backbone, a coarse head for large digits and, through an upsampling layer and a concatenation, a fine head
for small ones, as in YOLOv3.  The photographs and the 1,797 digits come with scikit-learn;
nothing is downloaded.  The mean average precision on 120 held-out pictures is printed at the end.

The upsampling layer also tells each fine cell where in its coarse cell it lies, by learned vectors.  It is
written in two ways that compute the same numbers:

    samebits verify examples/yolo.py                          # by indexing: no two runs agree
    samebits verify examples/yolo.py --upsample interpolate   # by interpolation and repetition: the same bits
"""

from __future__ import annotations

import argparse
import json
import random

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images
from torch import Tensor, nn
from torch.nn import functional as F

SIDE, COARSE, FINE, CLASSES = 96, 8, 4, 10  # of a picture, of a coarse and of a fine cell, in pixels
LARGE = 30  # pixels: digits from here on are found in coarse cells
TRAINED = 1500  # of the 1,797 digits; the others are for the held-out pictures


class Upsample(nn.Module):
    """Coarse features (N, C, H, W) -> (N, C, 2 H, 2 W): nearest, and the place in the coarse cell."""

    def __init__(self, channels: int, how: str) -> None:
        super().__init__()
        self.how = how
        self.place = nn.Parameter(torch.randn(2, 2, channels) * 0.1)

    def forward(self, x: Tensor) -> Tensor:
        height, width = 2 * x.shape[2], 2 * x.shape[3]
        if self.how == "interpolate":
            place = self.place.repeat(height // 2, width // 2, 1)
            return F.interpolate(x, scale_factor=2, mode="nearest") + place.permute(2, 0, 1)
        rows, columns = torch.arange(height), torch.arange(width)
        near = x.permute(0, 2, 3, 1)[:, rows // 2][:, :, columns // 2]
        return (near + self.place[rows[:, None] % 2, columns % 2]).permute(0, 3, 1, 2)


def block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1))


class Yolo(nn.Module):
    """Pictures (N, 3, 96, 96) -> coarse (N, 15, 12, 12) and fine (N, 15, 24, 24).

    Of a cell: whether there is a digit, its centre in the cell, the logarithms of its sides, its class.
    """

    def __init__(self, upsample: str) -> None:
        super().__init__()
        self.stem = nn.Sequential(block(3, 16, 2), block(16, 32, 2), block(32, 32))
        self.body = nn.Sequential(block(32, 64, 2), block(64, 64))
        self.coarse = nn.Sequential(block(64, 64), nn.Conv2d(64, 5 + CLASSES, 1))
        self.upsample = Upsample(64, upsample)
        self.fine = nn.Sequential(block(32 + 64, 64), nn.Conv2d(64, 5 + CLASSES, 1))
        for head in (self.coarse, self.fine):
            nn.init.constant_(head[-1].bias[:1].detach(), -4.0)  # few cells have a digit

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        near = self.stem(pictures)
        far = self.body(near)
        return self.coarse(far), self.fine(torch.cat([near, self.upsample(far)], 1))


class Scenes:
    """Pictures with one to three digits on a piece of a photograph, and where they are."""

    def __init__(self, seed: int, held_out: bool) -> None:
        digits = load_digits()
        part = slice(TRAINED, None) if held_out else slice(TRAINED)
        self.digits, self.classes = digits.images[part], digits.target[part]
        self.photographs = [Image.fromarray(photograph) for photograph in load_sample_images().images]
        self.generator = np.random.RandomState(seed)

    def one(self) -> tuple[np.ndarray, list[tuple[float, ...]]]:
        """A picture (96, 96, 3) from 0 to 1; of each digit its class, centre and sides in pixels."""
        draw = self.generator.randint
        photograph = self.photographs[draw(len(self.photographs))]
        size = draw(SIDE // 2, 3 * SIDE // 2)
        left, top = draw(photograph.width - size), draw(photograph.height - size)
        piece = photograph.resize((SIDE, SIDE), Image.BILINEAR, (left, top, left + size, top + size))
        picture = np.asarray(piece, np.float32) / 255
        digits: list[tuple[float, ...]] = []
        for _ in range(draw(1, 4)):
            which, height = draw(len(self.digits)), draw(20, 44)
            width = int(height * self.generator.uniform(0.7, 1.0))
            left, top = draw(SIDE - width), draw(SIDE - height)
            box = (left + width / 2, top + height / 2, width, height)
            if any(overlap(box, other[1:]) > 0.05 for other in digits):
                continue
            grey = Image.fromarray((self.digits[which] * 15).astype(np.uint8))
            ink = np.asarray(grey.resize((width, height), Image.BILINEAR), np.float32)[..., None] / 240
            there = picture[top : top + height, left : left + width]
            there += ink * (float(there.mean() < 0.5) - there)  # white on dark, black on light
            digits.append((self.classes[which], *box))
        return picture, digits

    def batch(self, size: int) -> tuple[Tensor, list[list[tuple[float, ...]]]]:
        pictures, digits = zip(*(self.one() for _ in range(size)), strict=True)
        return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2), list(digits)


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over union of two boxes (centre x, centre y, width, height)."""
    width = min(a[0] + a[2] / 2, b[0] + b[2] / 2) - max(a[0] - a[2] / 2, b[0] - b[2] / 2)
    height = min(a[1] + a[3] / 2, b[1] + b[3] / 2) - max(a[1] - a[3] / 2, b[1] - b[3] / 2)
    both = max(width, 0.0) * max(height, 0.0)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def answers_for(digits: list[list[tuple[float, ...]]], cell: int) -> Tensor:
    """What the cells in the middle of a digit are to say, (N, 15, rows, columns); the others nothing."""
    cells = SIDE // cell
    wanted = np.zeros((len(digits), 5 + CLASSES, cells, cells), np.float32)
    for n, picture in enumerate(digits):
        for digit, x, y, width, height in picture:
            if (height >= LARGE) == (cell == COARSE):
                for row in range(int((y - height / 5) / cell), int((y + height / 5) / cell) + 1):
                    for column in range(int((x - width / 5) / cell), int((x + width / 5) / cell) + 1):
                        sides = np.log(width / cell), np.log(height / cell)
                        wanted[n, :5, row, column] = (1, x / cell - column, y / cell - row, *sides)
                        wanted[n, 5:, row, column] = np.arange(CLASSES) == digit
    return torch.from_numpy(wanted)


def loss_of(outputs: tuple[Tensor, Tensor], digits: list[list[tuple[float, ...]]]) -> Tensor:
    """Objectness of all cells; box and class of those in the middle of a digit."""
    loss = outputs[0].new_zeros(())
    for output, cell in zip(outputs, (COARSE, FINE), strict=True):
        wanted = answers_for(digits, cell)
        there = wanted[:, 0]
        objectness = F.binary_cross_entropy_with_logits(output[:, 0], there, reduction="none")
        box = F.smooth_l1_loss(output[:, 1:5], wanted[:, 1:5], reduction="none", beta=0.2).sum(1)
        named = F.cross_entropy(output[:, 5:], wanted[:, 5:], reduction="none")
        loss = loss + (objectness + (box + named) * there).sum() / there.sum().clamp(min=1)
    return loss


@torch.no_grad()
def found(model: Yolo, pictures: Tensor) -> list[list[tuple[float, ...]]]:
    """Of each picture (score, class, centre x, centre y, width, height), the best first, none twice."""
    boxes = []
    for output, cell in zip(model(pictures), (COARSE, FINE), strict=True):
        rows, columns = torch.meshgrid(*map(torch.arange, output.shape[2:]), indexing="ij")
        centre = (output[:, 1:3] + torch.stack([columns, rows])) * cell
        score, digit = (output[:, 5:].softmax(1) * output[:, :1].sigmoid()).max(1)
        sides = output[:, 3:5].exp() * cell
        boxes.append(torch.cat([score[:, None], digit[:, None], centre, sides], 1).flatten(2))
    answers = []
    for picture in torch.cat(boxes, 2).transpose(1, 2):
        kept: list[tuple[float, ...]] = []
        for box in sorted(map(tuple, picture[picture[:, 0] > 0.05].tolist()), reverse=True):
            if not any(box[1] == other[1] and overlap(box[2:], other[2:]) > 0.45 for other in kept):
                kept.append(box)
        answers.append(kept)
    return answers


def mean_average_precision(
    answers: list[list[tuple[float, ...]]], digits: list[list[tuple[float, ...]]]
) -> float:
    """At an overlap of 0.5, over the classes: the area under precision as a function of recall."""
    areas = []
    for digit in range(CLASSES):
        of_class = [(box, n) for n, picture in enumerate(answers) for box in picture if box[1] == digit]
        left = [[other for other in picture if other[0] == digit] for picture in digits]
        total, right, area = sum(map(len, left)), 0, 0.0
        precisions = []
        for rank, (box, n) in enumerate(sorted(of_class, reverse=True), 1):
            match = max(left[n], key=lambda other: overlap(box[2:], other[1:]), default=None)
            if match is not None and overlap(box[2:], match[1:]) >= 0.5:
                left[n].remove(match)
                right += 1
                precisions.append(right / rank)
        for position in range(len(precisions)):
            area += max(precisions[position:]) / total
        if total:
            areas.append(area)
    return sum(areas) / len(areas)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upsample", choices=("index", "interpolate"), default="index")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--pictures", type=int, default=120, help="how many are held out for the precision")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--log", help="write the loss of each step there, a line of JSON each")
    options = parser.parse_args()

    random.seed(options.seed)
    np.random.seed(options.seed)
    torch.manual_seed(options.seed)
    torch.set_num_threads(2)

    model = Yolo(options.upsample).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.steps)
    scenes = Scenes(options.seed, held_out=False)
    lines = []
    for step in range(options.steps):
        pictures, digits = scenes.batch(options.batch)
        loss = loss_of(model(pictures), digits)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        lines.append(json.dumps({"step": step, "loss": loss.item()}))
        if step % 50 == 49:
            print(f"step {step + 1:4d}  loss {loss.item():.9f}", flush=True)
    model.eval()
    pictures, digits = Scenes(options.seed + 1, held_out=True).batch(options.pictures)
    precision = mean_average_precision(found(model, pictures), digits)
    print(f"mAP@0.5 {precision:.6f}")
    if options.log:
        with open(options.log, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
