"""What is done around a fork, until it is cancelled."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from samebits._runtime import forks

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def forked(seen: list[str]) -> str:
    """What the child saw."""
    read, write = os.pipe()
    if (pid := os.fork()) == 0:
        os.write(write, " ".join(seen).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with os.fdopen(read, "rb") as file:
        return file.read().decode()


def test_pythons_order_and_an_end() -> None:
    seen: list[str] = []
    handles = [
        forks.register(
            before=lambda n=n: seen.append(f"before{n}"),
            after_in_parent=lambda n=n: seen.append(f"parent{n}"),
            after_in_child=lambda n=n: seen.append(f"child{n}"),
        )
        for n in (1, 2)
    ]
    assert forked(seen) == "before2 before1 child1 child2"
    assert seen == ["before2", "before1", "parent1", "parent2"]
    seen.clear()
    handles[0].cancel()
    handles[0].cancel()
    assert forked(seen) == "before2 child2"
    handles[1].cancel()
    seen.clear()
    assert forked(seen) == ""


def test_what_is_seeded_in_a_child_stays() -> None:
    """Python seeds `random` anew in a child, by a handler that comes before ours in any case."""
    program = (
        "import os\nfrom samebits._runtime import forks\n"
        "def seed():\n    import random\n    random.seed(5)\n"
        "forks.register(after_in_child=seed)\nimport random\n"
        "if os.fork() == 0:\n    print(random.random(), flush=True)\n    os._exit(0)\n"
        "os.wait()\nrandom.seed(5)\nprint(random.random())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    child, parent = done.stdout.split()
    assert child == parent


def test_a_worker_of_multiprocessing() -> None:
    program = (
        "import multiprocessing\nfrom samebits._runtime import forks\n"
        "def work(): pass\n"
        "forks.register(in_worker=lambda: print('here', flush=True))\n"
        "handle = forks.register(in_worker=lambda: print('not here', flush=True))\nhandle.cancel()\n"
        "one = multiprocessing.get_context('fork').Process(target=work)\none.start()\none.join()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["here", ""]
