"""Results of workers come in the order in which they were asked for."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import multiprocessing.pool
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from samebits.control.result_order import ResultOrder


@pytest.fixture
def ordered() -> Iterator[ResultOrder]:
    changed = ResultOrder()
    changed.install()
    try:
        yield changed
    finally:
        changed.uninstall()


class Backwards:
    """Tasks that end in the reverse order of their numbers."""

    def __init__(self, count: int) -> None:
        self.done = [threading.Event() for _ in range(count + 1)]
        self.done[count].set()

    def __call__(self, number: int) -> int:
        assert self.done[number + 1].wait(60)
        self.done[number].set()
        return number


def test_imap_unordered(ordered: ResultOrder) -> None:
    with multiprocessing.pool.ThreadPool(4) as pool:
        assert list(pool.imap_unordered(Backwards(4), range(4))) == [0, 1, 2, 3]
        assert list(pool.imap_unordered(str, range(5), chunksize=2)) == list("01234")


def test_without_control_they_come_as_they_get_ready() -> None:
    with multiprocessing.pool.ThreadPool(4) as pool:
        assert list(pool.imap_unordered(Backwards(4), range(4))) != [0, 1, 2, 3]


@pytest.mark.parametrize("collection", [list, tuple, set, frozenset, dict.fromkeys, iter])
def test_as_completed(ordered: ResultOrder, collection: Any) -> None:
    with ThreadPoolExecutor(4) as pool:
        task = Backwards(4)
        futures = [pool.submit(task, number) for number in range(4)]
        found = concurrent.futures.as_completed(collection(futures))
        assert [future.result() for future in found] == [0, 1, 2, 3]


def test_a_future_given_twice_comes_once(ordered: ResultOrder) -> None:
    future: Future[int] = Future()
    future.set_result(1)
    assert list(concurrent.futures.as_completed([future, future])) == [future]


def test_a_time_limit_is_kept(ordered: ResultOrder) -> None:
    done, never = Future[int](), Future[int]()
    done.set_result(1)
    found = concurrent.futures.as_completed([done, never], timeout=0.01)
    assert next(found) is done
    with pytest.raises(TimeoutError, match=r"1 \(of 2\) futures unfinished"):
        next(found)


def test_failures_and_cancelled_ones_come_too(ordered: ResultOrder) -> None:
    failed, cancelled = Future[int](), Future[int]()
    failed.set_exception(ValueError("no"))
    cancelled.cancel()
    cancelled.set_running_or_notify_cancel()
    assert list(concurrent.futures.as_completed([cancelled, failed])) == [cancelled, failed]


def test_a_library_gets_the_first_that_is_done(ordered: ResultOrder) -> None:
    library: dict[str, Any] = {"__name__": "library"}
    file = concurrent.futures.__file__  # of the standard library: no user's file
    source = (
        "import concurrent.futures as c\ndef first(futures):\n    return next(iter(c.as_completed(futures)))"
    )
    exec(compile(source, file, "exec"), library)
    done, never = Future[int](), Future[int]()
    done.set_result(1)
    assert library["first"]([never, done]) is done


def test_everything_is_put_back() -> None:
    def names() -> list[Any]:
        base = concurrent.futures._base
        pool = multiprocessing.pool.Pool
        return [base.as_completed, concurrent.futures.as_completed, Future.__init__, pool.imap_unordered]

    before = names()
    changed = ResultOrder()
    changed.install()
    during = names()
    changed.uninstall()
    assert names() == before
    assert all(a is not b for a, b in zip(before, during, strict=True))


@pytest.mark.parametrize("failing", [None, 2])
def test_callbacks_of_apply_async(ordered: ResultOrder, failing: int | None) -> None:
    task, found, errors = Backwards(4), list[int](), list[str]()

    def work(number: int) -> int:
        if task(number) == failing:
            raise ValueError(number)
        return number

    with multiprocessing.pool.ThreadPool(4) as pool:
        for number in range(4):
            pool.apply_async(work, (number,), {}, found.append, lambda error: errors.append(str(error)))
        pool.apply_async(str, (9,)).get(60)  # one without a callback waits for nobody
        pool.close()
        pool.join()
    assert found == [number for number in range(4) if number != failing]
    assert errors == ([] if failing is None else [str(failing)])


def test_an_error_that_nobody_asked_for_holds_up_no_other(ordered: ResultOrder) -> None:
    found: list[int] = []
    with multiprocessing.pool.ThreadPool(2) as pool:
        for number in range(4):
            pool.apply_async(lambda n: 1 // (n - 1), (number,), callback=found.append)
        pool.close()
        pool.join()
    assert found == [-1, 1, 0]
