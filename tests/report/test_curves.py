"""Curves of characters: what they look like, and that nothing in a log breaks or bends them."""

from __future__ import annotations

import io
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from samebits.report.curves import Line, fits, print_curves, spark

NAN, INF = math.nan, math.inf


def drawn(*lines: Line, width: int = 60, terminal: bool = True, title: str = "loss") -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system=None, highlight=False)
    print_curves(console, title, lines, [chr(ord("A") + number) for number in range(len(lines))])
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def line(*values: float) -> list[tuple[float, float]]:
    return list(enumerate(values))


FALLING = [(step, 2.0 * math.exp(-step / 20) + 0.1) for step in range(60)]
PARTING = [(step, y if step < 30 else y + 1e-6 * 10 ** ((step - 30) / 8)) for step, y in FALLING]
GOLDEN = """\
  loss  A  B
      2.1 ┤⠑⢄
          │  ⠑⢄⡀
          │    ⠈⠑⣀
          │       ⠑⠢⢄
          │          ⠉⠑⠢⢄
          │              ⠉⠑⠒⠢⣀⡀
          │                   ⠈⠉⠑⠒⠢⠤⠤⣀⣀⡀
    0.205 ┤                            ⠈⠉⠉⠑⠒⠒⠒⠤⠤⠤⠤⠤⢄⣀⣀⣀⣀⣀⣀
           0                                       step 59
  |A - B|
  0.00422 ┤                                           ⡠⠤⠒⠉
          │                                      ⣀⠤⠔⠉⠉
          │                                 ⣀⣀⠔⠊⠉
          │                            ⢀⣀⠤⠒⠊
    1e-06 ┤                       ⢀⣀⠤⠒⠊⠁
           0                                       step 59"""


def test_two_runs_that_part() -> None:
    assert drawn(FALLING, PARTING) == GOLDEN
    assert drawn(FALLING, PARTING, terminal=False) == GOLDEN


def test_the_widest_is_bounded() -> None:
    wide = drawn(FALLING, PARTING, width=300)
    assert max(map(len, wide.splitlines())) <= 90
    assert max(map(len, drawn(FALLING, PARTING, width=100).splitlines())) <= 100


def test_equal_runs_have_no_second_frame() -> None:
    assert "|A - B|" not in drawn(FALLING, FALLING)


def test_equal_runs_that_were_resumed_have_no_second_frame() -> None:
    """Step 1 was logged twice, with two values, in both: each is compared with its own."""
    resumed = [(0, 1.0), (1, 0.5), (1, 0.4), (2, 0.3)]
    assert "|A - B|" not in drawn(resumed, resumed)
    other = [(0, 1.0), (1, 0.5), (1, 0.1), (2, 0.3)]
    assert "0.3 ┤" in drawn(resumed, other).partition("|A - B|")[2]


def test_a_spike_is_seen() -> None:
    """One step of ten thousand, in a column of over a hundred."""
    values = [1.0] * 10_000
    values[4321] = 9.0
    assert drawn(line(*values)).splitlines()[1].startswith("        9 ┤")
    assert any(0x2800 < ord(character) <= 0x28FF for character in drawn(line(*values)).splitlines()[1])


@pytest.mark.parametrize(
    "values",
    [(1.0,), (0.0, 0.0), (NAN, 1.0, INF), (-1e308, 1e308), (5e-324, 1e308), (0.0, 5e-324), (1e-300, 1e300)],
)
@pytest.mark.parametrize("width", [1, 13, 14, 40, 200])
def test_no_values_break_it(values: tuple[float, ...], width: int) -> None:
    assert drawn(line(*values), line(*reversed(values)), width=width)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(-(2**53), 2**53), st.floats()), max_size=8),
       st.lists(st.tuples(st.integers(0, 5), st.floats()), max_size=8))  # fmt: skip
def test_no_lines_break_it(a: list[tuple[float, float]], b: list[tuple[float, float]]) -> None:
    drawn(a, b)


def test_nothing_is_drawn_of_nothing() -> None:
    assert drawn(line(NAN, INF), line()) == ""


def test_a_hostile_name_is_shown_as_escapes() -> None:
    text = drawn(FALLING, PARTING, title="\x1b[2J\u202e[bold]x\x07")
    assert text.splitlines()[0] == r"  \x1b[2J\u202e[bold]x\x07  A  B"


def test_where_a_plot_is_seen() -> None:
    def terminal(width: int, encoding: str, is_terminal: bool = True) -> Console:
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        return Console(file=out, width=width, force_terminal=is_terminal)

    assert fits(terminal(40, "utf-8"))
    assert not fits(terminal(39, "utf-8"))
    assert not fits(terminal(80, "ascii"))
    assert not fits(terminal(80, "utf-8", False))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], ""),
        ([1.0], "▅"),
        ([1.0, 2.0], "▁█"),
        ([3.0, 3.0, 3.0], "▅▅▅"),
        ([8.0, 4.0, 2.0, 1.0], "█▄▂▁"),
        ([1.0, NAN, 3.0], "▁·█"),
        ([NAN, INF, -INF], "···"),
        ([1e308, -1e308], "█▁"),
        ([1.7e308] * 24 + [0.0] * 24, "██████▁▁▁▁▁▁"),
        ([0.0, 5e-324], "▁█"),
    ],
)
def test_sparks(values: list[float], expected: str) -> None:
    assert spark(values) == expected


@given(st.lists(st.floats(), max_size=60), st.integers(1, 20))
def test_a_spark_is_as_wide_as_it_may_be(values: list[float], width: int) -> None:
    assert len(spark(values, width)) == min(width, len(values))
