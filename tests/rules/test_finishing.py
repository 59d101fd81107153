"""Sums, queues and shared lists: what the order of finishing changes, beyond the order of rows."""

from __future__ import annotations

import pytest
from tests.rules.one_rule import lines, mended

FUTURES = "from concurrent.futures import ThreadPoolExecutor, as_completed\n"
TORCH = "import torch\n" + FUTURES
RULE = "completion-order"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (FUTURES + "total = 0.0\nfor f in as_completed(fs):\n    total += f.result()\n", 3),
        (FUTURES + "total = 0\nfor f in as_completed(fs):\n    total += f.result() * 0.1\n", 3),
        (FUTURES + "total = 0\nfor f in as_completed(fs):\n    total += f.result() / 9\n", 3),
        (FUTURES + "total = 0.0\nfor f in as_completed(fs):\n    total = total + f.result()\n", 3),
        (FUTURES + "total = 0.0\nfor f in as_completed(fs):\n    x = f.result()\n    total -= x[1]\n", 3),
        (TORCH + "total = torch.zeros(3)\nfor f in as_completed(fs):\n    total += f.result()\n", 4),
        (
            "import numpy as np\n"
            + TORCH
            + "s = np.zeros(3)\nfor f in as_completed(fs):\n    s += f.result()\n",
            5,
        ),
        (
            "import asyncio\nasync def main(ts):\n    total = 0.0\n    for f in asyncio.as_completed(ts):\n"
            "        total += await f\n    return total\n",
            4,
        ),
        (
            FUTURES + "class Mean:\n    def __init__(self):\n        self.total = 0.0\n"
            "    def add(self, fs):\n        for f in as_completed(fs):\n"
            "            self.total += f.result()\n",
            6,
        ),
        (FUTURES + "total = sum(f.result() * 0.5 for f in as_completed(fs))\n", 2),
        (FUTURES + "total = sum((f.result() for f in as_completed(fs)), 0.0)\n", 2),
        ("total = 0.0\nfor r in pool.imap_unordered(work, xs):\n    total += r\n", 2),
    ],
)
def test_a_sum_of_floats_is_found(text: str, line: int) -> None:
    assert lines(RULE, text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        FUTURES + "done = 0\nfor f in as_completed(fs):\n    done += 1\n",
        FUTURES + "done = 0.0\nfor f in as_completed(fs):\n    done += 0.5\n",
        FUTURES + "rows = 0\nfor f in as_completed(fs):\n    rows += len(f.result())\n",
        FUTURES + "rows = 0\nfor f in as_completed(fs):\n    rows += f.result()\n",  # of what, is not known
        FUTURES + "elapsed = 0.0\nfor f in as_completed(fs):\n    elapsed += f.result()\n",
        FUTURES + "for f in as_completed(fs):\n    s = 0.0\n    for x in f.result():\n        s += x\n",
        FUTURES + "n = sum(1 for f in as_completed(fs))\n",
        FUTURES + "total = 0.0\nfor f in fs:\n    total += f.result()\n",
        TORCH + "n = torch.zeros(3, dtype=torch.long)\nfor f in as_completed(fs):\n    n += f.result()\n",
    ],
)
def test_a_count_is_not_claimed(text: str) -> None:
    assert lines(RULE, text) == []


def test_a_sum_is_added_in_order() -> None:
    text = FUTURES + "fs = [1]\ntotal = 0.0\nfor f in as_completed(fs):\n    total += f.result()\n"
    becomes = mended(RULE, text)
    assert "for f in fs:\n" in becomes
    assert lines(RULE, becomes) == []


_START = "import multiprocessing as mp\nimport numpy as np\n"
_JOB = "def job(i, out):\n    out.put(work(i))\n"
_RUN = "q = mp.Queue()\nps = [mp.Process(target=job, args=(i, q)) for i in range(4)]\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (_START + _JOB + _RUN + "rows = [q.get() for _ in ps]\nnp.save('x', np.concatenate(rows))\n", 7),
        (_START + _JOB + _RUN + "rows = [q.get() for _ in ps]\nprint(np.concatenate(rows))\n", 7),
        (_START + _JOB + _RUN + "rows = [q.get() for _ in ps]\nfirst = rows[:2]\n", 7),
        (_START + _JOB + _RUN + "rows = []\nfor p in ps:\n    rows.append(q.get())\nsave(rows)\n", 9),
        (
            _START
            + _JOB
            + _RUN
            + "rows = []\nfor p in ps:\n    x = q.get()\n    rows.append(x)\nsave(rows)\n",
            9,
        ),
        (_START + _JOB + _RUN + "def each():\n    while True:\n        yield q.get()\n", 9),
        (_START + _JOB + _RUN + "total = 0.0\nfor p in ps:\n    total += q.get()\n", 9),
        (
            "import threading, queue\ndef job(i):\n    q.put(work(i))\nq = queue.Queue()\n"
            "for i in range(3):\n    threading.Thread(target=job, args=(i,)).start()\n"
            "rows = [q.get() for _ in range(3)]\nsave(rows)\n",
            7,
        ),
        (
            _START + _JOB + "ctx = mp.get_context('spawn')\nq = ctx.Queue()\nfor i in range(4):\n"
            "    ctx.Process(target=job, kwargs={'i': i, 'out': q}).start()\n"
            "rows = [q.get() for _ in range(4)]\nsave(rows)\n",
            9,
        ),
    ],
)
def test_a_queue_of_several_is_found(text: str, line: int) -> None:
    assert lines(RULE, text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        _START
        + _JOB
        + "q = mp.Queue()\np = mp.Process(target=job, args=(1, q))\nrows = [q.get() for _ in x]\n",
        _START + _JOB + _RUN + "rows = sorted(q.get() for _ in ps)\nsave(rows)\n",
        _START + _JOB + _RUN + "rows = [q.get() for _ in ps]\nrows.sort()\nsave(rows)\n",
        _START + _JOB + _RUN + "rows = {}\nfor p in ps:\n    i, x = q.get()\n    rows[i] = x\n",
        _START + _JOB + _RUN + "done = set()\nfor p in ps:\n    done.add(q.get())\n",
        _START + _JOB + _RUN + "for p in ps:\n    print(q.get())\n",
        _START + _JOB + _RUN + "rows = dict(q.get() for _ in ps)\n",
        (
            _START + "def job(q):\n    while True:\n        work(q.get())\nq = mp.Queue()\n"
            "ps = [mp.Process(target=job, args=(q,)) for _ in range(4)]\nfor x in xs:\n    q.put(x)\n"
        ),
        "rows = [options.get() for _ in range(4)]\nsave(rows)\n",
    ],
)
def test_a_queue_of_one_or_in_order_is_not_claimed(text: str) -> None:
    assert lines(RULE, text) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "import threading\nout = []\ndef work(i):\n    out.append(i * 0.1)\n"
            "ts = [threading.Thread(target=work, args=(i,)) for i in range(8)]\n"
            "acc = 0.0\nfor v in out:\n    acc += v\nprint(acc)\n",
            5,
        ),
        (
            "import threading\ntotal = 0.0\ndef work(i):\n    global total\n    with lock:\n"
            "        total += f(i)\nts = [threading.Thread(target=work, args=(i,)) for i in range(8)]\n",
            7,
        ),
        ("def f(pool):\n    run = pool.imap_unordered\n    return [x for x in run(work, xs)]\n", 3),
        (
            "from multiprocessing import Pool\nwith Pool() as p:\n    run = p.imap_unordered\n"
            "    rows = list(run(work, xs))\nfirst = rows[:3]\n",
            4,
        ),
        (
            "def f(pool):\n    return list(pool.imap_unordered(work, xs))\n\n\nrows = f(p)\nprint(rows[0])\n",
            2,
        ),
    ],
)
def test_threads_and_other_names_are_found(text: str, line: int) -> None:
    assert lines(RULE, text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        (
            "import threading\nn = 0\ndef work(i):\n    global n\n    n += 1\n"
            "ts = [threading.Thread(target=work, args=(i,)) for i in range(8)]\n"
        ),
        (
            "import threading\ndef work(i):\n    total = 0.0\n    total += f(i)\n"
            "ts = [threading.Thread(target=work, args=(i,)) for i in range(8)]\n"
        ),
        (
            "import threading\nout = []\ndef work(i):\n    out.append(i)\n"
            "ts = [threading.Thread(target=work, args=(i,)) for i in range(8)]\n"
            "n = 0\nfor v in out:\n    n += 1\nprint(n)\n"
        ),
        "def f(pool):\n    run = pool.imap\n    return [x for x in run(work, xs)]\n",
        "def f(p):\n    return list(p.imap_unordered(work, xs))\n\n\nrows = sorted(f(p))\nx = rows[0]\n",
    ],
)
def test_threads_and_other_names_are_not_claimed(text: str) -> None:
    assert lines(RULE, text) == []
