"""Small curves of characters: two runs and their difference on a terminal, a loss in one line of a list.

Braille has eight dots a character, so a plot of 60 by 8 characters has 120 by 32 dots.  A column of dots
stands for a stretch of steps and is drawn from the smallest to the largest value in it: no spike is lost.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from samebits._runtime.text import clean

#: Bit of the dot at (row, column) of a braille character, U+2800 + bits.
_DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_STYLES: Final = ("cyan", "magenta", "yellow", "green")
_BOTH: Final = "bold"
_LABEL: Final = 9  # characters of the y axis' numbers
_WIDEST: Final = 72
_ROWS: Final = 8
_LOG_FROM: Final = 1000.0  # a positive range wider than this has a logarithmic axis

#: (step, value), in the order of steps.
Line = Sequence[tuple[float, float]]


def spark(values: Iterable[float], width: int = 12) -> str:
    """One line of blocks; a stretch without a finite value is a dot, and no values are no line."""
    known = list(values)
    if not known:
        return ""
    width = min(width, len(known))
    parts = [known[i * len(known) // width : (i + 1) * len(known) // width] for i in range(width)]
    means = [_mean(part) for part in parts]
    finite = [mean for mean in means if math.isfinite(mean)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    return "".join(_block(mean, low, high) for mean in means)


def _mean(part: Sequence[float]) -> float:
    finite = [value for value in part if math.isfinite(value)]
    return math.fsum(value / len(finite) for value in finite) if finite else math.nan


def _block(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return "·"
    return _BLOCKS[_place(value, low, high, len(_BLOCKS))]


def _place(value: float, low: float, high: float, count: int) -> int:
    """Which of so many places between the smallest and the largest value; the middle where these are one."""
    if high == low:
        return count // 2
    if math.isinf(high - low):  # the range is no float
        value, low, high = value / 2, low / 2, high / 2
    return min(int((value - low) / (high - low) * count), count - 1)


def fits(console: Console) -> bool:
    """Whether a plot can be seen there: a terminal, wide enough, that has the characters."""
    return console.is_terminal and console.width >= 40 and console.encoding.lower().startswith("utf")


def print_curves(console: Console, title: str, lines: Sequence[Line], labels: Sequence[str]) -> None:
    """The curves of several runs in one frame, and under it how far each lies from the first.

    Nothing is printed of runs without a finite value.
    """
    head = Text(f"  {clean(title)}  ", style="bold")
    for number, label in enumerate(labels):
        head.append(f"{'' if number == 0 else '  '}{clean(label)}", style=_STYLES[number % len(_STYLES)])
    if _frame(console, head, lines):
        gaps = [_gaps(lines[0], line) for line in lines[1:]]
        if any(value > 0 for line in gaps for _, value in line):
            names = clean(labels[1]) if len(labels) == 2 else "the others"
            head = Text(f"  |{clean(labels[0])} - {names}|", style="bold")
            _frame(console, head, gaps, first=1, log=True, rows=5)


def _gaps(a: Line, b: Line) -> list[tuple[float, float]]:
    other = {(step, often): value for step, often, value in _counted(b)}
    return [(at, abs(value - other[at, often])) for at, often, value in _counted(a) if (at, often) in other]


def _counted(line: Line) -> Iterator[tuple[float, int, float]]:
    """Each point, with how often its step came before: a run that was resumed logs some steps twice."""
    seen: Counter[float] = Counter()
    for step, value in line:
        yield step, seen[step], value
        seen[step] += 1


def _frame(
    console: Console,
    head: Text,
    lines: Sequence[Line],
    *,
    first: int = 0,
    log: bool | None = None,
    rows: int = _ROWS,
) -> bool:
    """One plot; whether there was anything to draw.  ``first`` is the number of the first line's colour."""
    values = [y for line in lines for _, y in line if math.isfinite(y) and (not log or y > 0)]
    steps = [x for line in lines for x, _ in line]
    if not values:
        return False
    low, high = min(values), max(values)
    if log is None:
        log = low > 0 and high / low > _LOG_FROM
    scale = math.log10 if log else float
    width = min(console.width - _LABEL - 4, _WIDEST)
    canvas = _Canvas(width, rows, (min(steps), max(steps)), (scale(low), scale(high)))
    for number, line in enumerate(lines):
        canvas.draw(number, [(x, scale(y) if low <= y <= high else math.nan) for x, y in line])
    console.print(head)
    for row in range(rows):
        label = {0: f"{high:.3g}", rows - 1: f"{low:.3g}"}.get(row, "") if low != high or row == 0 else ""
        text = Text.assemble((f"{label:>{_LABEL}} {'┤' if label else '│'}", "dim"))
        text.append_text(canvas.row(row, first))
        console.print(text, no_wrap=True, overflow="crop")
    ends = f"{min(steps):,.0f}", f"step {max(steps):,.0f}"
    console.print(Text(f"{'':{_LABEL}}  {ends[0]}{ends[1]:>{max(1, width - len(ends[0]))}}", style="dim"))
    return True


def _between(before: tuple[int, int] | None, here: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The dots of a straight line from the point before to this one, without the first."""
    (start, low), (end, high) = before or here, here
    for column in range(start + 1, end):
        yield column, low + round((high - low) * (column - start) / (end - start))
    yield here


class _Canvas:
    """Dots of several lines; a character where several meet is drawn in a style of its own."""

    def __init__(self, width: int, rows: int, x: tuple[float, float], y: tuple[float, float]) -> None:
        self._width, self._rows = width, rows
        self._x, self._y = x, y
        self._cells: dict[tuple[int, int], tuple[int, set[int]]] = {}  # (row, column) -> dots, lines

    def draw(self, number: int, line: Line) -> None:
        """Points with a line from each to the next; NaN is a gap."""
        spans: dict[int, tuple[int, int]] = {}  # column of dots -> first and last row of dots
        before: tuple[int, int] | None = None
        for x, y in line:
            if math.isnan(y):
                before = None
                continue
            column = _place(x, *self._x, self._width * 2)
            row = self._rows * 4 - 1 - _place(y, *self._y, self._rows * 4)
            for at, height in _between(before, (column, row)):
                low, high = spans.get(at, (height, height))
                spans[at] = (min(low, height), max(high, height))
            before = column, row
        for column, (top, bottom) in spans.items():
            for row in range(top, bottom + 1):
                cell = (row // 4, column // 2)
                dots, lines = self._cells.get(cell, (0, set()))
                self._cells[cell] = (dots | _DOTS[row % 4][column % 2], lines | {number})

    def row(self, row: int, first: int) -> Text:
        text = Text()
        for column in range(self._width):
            dots, lines = self._cells.get((row, column), (0, set()))
            style = _BOTH if len(lines) > 1 else _STYLES[(first + min(lines, default=0)) % len(_STYLES)]
            text.append(chr(0x2800 + dots) if dots else " ", style if dots else "")
        return text
