"""Clocks that decide how long, which, or how fast; clocks that only show, wait or poll."""

from __future__ import annotations

from pathlib import Path

import pytest

from samebits.audit import audit_paths, audit_source


def lines(text: str) -> list[int]:
    return [one.site.line for one in audit_source(text) if one.cause == "wall-clock" and one.site]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import time\nend = time.time() + 60\nwhile time.time() < end:\n    train()\n", 3),
        ("from time import monotonic as now\ns = now()\nfor x in xs:\n    if now() - s > 9:\n"
         "        break\n", 4),
        ("import time\ns = time.time()\nfor x in xs:\n    spent = time.time() - s\n    if spent > 9:\n"
         "        print('late')\n        break\n", 5),
        ("import time\nclass T:\n    def __init__(self):\n        self.start = time.time()\n"
         "    def fit(self):\n        while not self.done:\n            train()\n"
         "            if time.time() - self.start > self.budget:\n                self.done = True\n", 8),
        ("import time\ndef left(end):\n    return end - time.time()\nwhile left(9) > 0:\n    train()\n", 4),
        ("import time\nfor x in xs:\n    for group in opt.param_groups:\n"
         "        group['lr'] = 0.1 * (1 - (time.time() - start) / 60)\n", 4),
        ("import time\ndef rate(s):\n    p = min(1.0, (time.time() - s) / 60)\n    return 0.1 * (1 - p)\n"
         "lr = rate(0)\n", 5),
        ("import time\ndef up(end):\n    return time.time() > end\ndef is_over(end):\n"
         "    return time.time() > end\nfor x in xs:\n    if is_over(9):\n        break\n", 5),
        ("from datetime import datetime, timedelta\nend = datetime.now() + timedelta(hours=3)\n"
         "for x in xs:\n    step(x)\n    if datetime.now() >= end:\n        break\n", 5),
        ("import time\ndef cost(f):\n    s = time.time()\n    f()\n    return time.time() - s\n"
         "best = min((a, b), key=cost)\n", 6),
        ("import time\nt = []\nfor f in fs:\n    s = time.time()\n    f()\n    t.append(time.time() - s)\n"
         "best = fs[t.index(min(t))]\n", 7),
        ("from datetime import date, timedelta\nfirst = date.today() - timedelta(days=9)\n"
         "rows = frame[frame['day'] >= first]\n", 3),
    ],
)  # fmt: skip
def test_it_is_found(text: str, line: int) -> None:
    assert lines(text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        "import time\ns = time.time()\ntrain()\nprint(time.time() - s)\n",
        "import time\nlast = 0\nfor x in xs:\n    if time.time() - last > 10:\n        print(x)\n"
        "        last = time.time()\n",
        "import time\nend = time.time() + 60\nwhile time.time() < end:\n    if ready():\n        break\n"
        "    time.sleep(1)\n",
        "import time\nend = time.time() + 9\nwhile True:\n    if q.poll():\n        break\n"
        "    if time.time() > end:\n        raise TimeoutError\n",
        "import time\ns = time.time()\nwhile process.is_alive():\n    if time.time() - s > 9:\n"
        "        return_ = 1\n"
        "        break\n",
        "import time\ntimes = []\nfor x in xs:\n    s = time.time()\n    f(x)\n"
        "    times.append(time.time() - s)\n"
        "print(min(times), max(times))\n",
        "import time\ndef f(t):\n    if time.time() - t > 9:\n        return None\n    return 3\n",
        "import time\nclass Bar:\n    def show(self):\n        return time.time() - self.last > 0.1\n"
        "for x in xs:\n    if bar.show():\n        print(x)\n",
        "import time\nstep_time = time.time() - s\nfor i in range(9):\n    if i > limit:\n        break\n",
        "import time\nwhile not found():\n    if time.time() - s > timeout:\n        break\n",
        "import time\nif time.time() - saved > 600:\n    save(model)\n    saved = time.time()\n",
        "import time, os\nold = [p for p in paths if os.stat(p).st_mtime < time.time() - 9]\n",
    ],
)
def test_it_is_not_claimed(text: str) -> None:
    assert lines(text) == []


def test_a_budget_of_another_file(tmp_path: Path) -> None:
    (tmp_path / "budget.py").write_text(
        "import time\n\nclass Budget:\n    def __init__(self, seconds):\n"
        "        self.end = time.monotonic() + seconds\n\n    def exceeded(self):\n"
        "        return time.monotonic() > self.end\n"
    )
    train = tmp_path / "train.py"
    train.write_text("from budget import Budget\nb = Budget(9)\nwhile not b.exceeded():\n    step()\n")
    found = [one for one in audit_paths([tmp_path], cache=False).findings if one.cause == "wall-clock"]
    assert [(Path(one.site.file).name, one.site.line) for one in found if one.site] == [("budget.py", 8)]
    train.write_text("from budget import Budget\nb = Budget(9)\nprint(b.exceeded())\n")
    assert not [one for one in audit_paths([tmp_path], cache=False).findings if one.cause == "wall-clock"]


def timed(of: str, name: str, use: str) -> str:
    """A class with a property that asks a clock, and a method that uses it."""
    return (
        f"import time\nclass T:\n    @{of}\n    def {name}(self):\n        return time.time() - self.t > 60\n"
        f"    def fit(self):\n        {use}\n"
    )


_STEPS = "for b in batches:\n            if {test}:\n                {does}\n            step(b)"


@pytest.mark.parametrize(
    ("of", "name", "use"),
    [
        ("property", "expired", _STEPS.format(test="self.expired", does="break")),
        ("property", "late", _STEPS.format(test="self.late", does="return")),
        ("property", "x", _STEPS.format(test="n > 3 or self.x", does="break")),
        ("functools.cached_property", "expired", _STEPS.format(test="self.expired", does="break")),
        ("property", "expired", "while not self.expired:\n            step()"),
    ],
)
def test_a_property_that_asks_a_clock_is_found(of: str, name: str, use: str) -> None:
    assert lines(timed(of=of, name=name, use=use)) == [5]


@pytest.mark.parametrize(
    ("of", "name", "use"),
    [
        ("property", "expired", "print(self.expired)"),
        ("property", "expired", _STEPS.format(test="self.expired", does="print(1)")),
        ("property", "expired", "while not self.expired:\n            time.sleep(1)"),
        ("property", "expired", _STEPS.format(test="self.other", does="break")),
    ],
)
def test_a_property_that_decides_nothing_is_not_claimed(of: str, name: str, use: str) -> None:
    assert lines(timed(of=of, name=name, use=use)) == []


def test_which_was_fastest_may_be_printed() -> None:
    text = (
        "import time\ntimes = {}\nfor b in (1, 8):\n    t = time.perf_counter()\n    net(b)\n"
        "    times[b] = time.perf_counter() - t\n"
    )
    assert lines(text + "print('fastest:', min(times, key=times.get))\n") == []
    assert lines(text + "best = min(times, key=times.get)\n") == [7]
