"""Pools of threads have one thread."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from typing import Any

import pytest

from samebits.control import changes


def names(pool: Any) -> set[str]:
    return set(pool.map(lambda _: threading.current_thread().name, range(40)))


@pytest.mark.parametrize("given", [(), (4,), (4, "loads")])
def test_an_executor_has_one_thread(given: tuple[Any, ...]) -> None:
    undo = changes.install(["one-worker"])
    try:
        with ThreadPoolExecutor(*given) as pool:
            (name,) = names(pool)
            assert name.startswith("loads" if len(given) > 1 else "ThreadPoolExecutor")
        with ThreadPoolExecutor(max_workers=3, thread_name_prefix="own") as pool:
            (name,) = names(pool)
            assert name.startswith("own")
        with ThreadPool(3) as threads:
            assert len(names(threads)) == 1
        with ThreadPool(processes=3) as threads:
            assert len(names(threads)) == 1
    finally:
        undo()
    assert ThreadPoolExecutor(5)._max_workers == 5
