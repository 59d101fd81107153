"""Facts are paired by what they are about: a path over all processes, a set by its elements."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.causes.test_matchers import BATCH, DRAWN, ask, fact, value

from samebits.causes._evidence import pairs
from samebits.compare.explain import explain
from samebits.model.cause import Evidence
from samebits.model.facts import Detail, Fact, File, Iteration, Listing, Probe

WORKERS = ("main/Process-1", "main/Process-2")


def _listing(path: str, at: int, **detail: Any) -> Fact:
    return fact("listing", 8, at, call="glob.glob", path=path, **{"n": 1, "order": 1, "content": 1} | detail)


def _globs(*numbers: int) -> list[Fact]:
    """Each pattern finds its own file."""
    return [_listing(f"d/p{n}.*", at, content=n, order=n) for at, n in enumerate(numbers)]


def test_listings_are_paired_by_their_pattern() -> None:
    evidence = Evidence(BATCH, _globs(0, 3, 1), _globs(1, 0, 3))
    found = pairs(evidence, Listing)
    assert [(pair.detail.path, pair.equal(lambda d: d.path)) for pair in found] == [
        ("d/p0.*", True),
        ("d/p3.*", True),
        ("d/p1.*", True),
    ]
    assert all(each.confidence <= 0.2 for each in explain(evidence))


@pytest.mark.parametrize("order", [1, 2])
def test_listings_of_other_folders_are_no_difference(order: int) -> None:
    """A run that was cut at the divergence had only come to another folder first."""
    a = [_listing("d/p0.*", 1), fact("file", 9, path="d/p1.txt", digest=1)]
    b = [_listing("d/p1.*", 1, order=order, content=order), fact("file", 9, path="d/p0.txt", digest=2)]
    other = [_listing("cats", 1), fact("file", 9, path="dogs/0.png", digest=1)]
    third = [_listing("dogs", 1, order=order), fact("file", 9, path="cats/0.png", digest=2)]
    for rows_a, rows_b in ((a, b), (other, third)):
        found = {each.cause for each in ask(BATCH, rows_a, rows_b) if each.confidence > 0.2}
        assert not found & {"data-difference", "directory-order"}


def test_a_folder_with_a_new_name_in_every_run_is_one_folder() -> None:
    a, b = [_listing("/tmp/a1", 1, n=9)], [_listing("/tmp/b2", 1, order=2, n=9)]
    assert ask(BATCH, a, b)[0].cause == "directory-order"


def _opened(path: str, digest: int, process: str = "main", **more: Any) -> Fact:
    return fact("file", 14, path=path, digest=digest, mode="r", process=process, **more)


def test_which_worker_opens_a_file_is_no_difference() -> None:
    one, two = WORKERS
    a = [_opened("0", 7, one), _opened("1", 8, one), _opened("2", 9, two)]
    b = [_opened("2", 9, one), _opened("0", 7, two), _opened("1", 8, two)]
    evidence = Evidence(BATCH, a, b, whole=True)
    assert all(pair.equal(lambda d: d.digest) for pair in pairs(evidence, File))
    assert [each.confidence for each in explain(evidence) if each.cause == "data-difference"] in ([], [0.2])


def test_a_file_that_changed_is_seen_over_all_workers() -> None:
    one, two = WORKERS
    a = [_opened("0", 7, one), _opened("1", 8, two), _opened("0", 7, two)]
    b = [_opened("1", 5, one), _opened("0", 7, one), _opened("0", 7, two)]
    found = ask(BATCH, a, b)[0]
    assert (found.cause, "1, opened at" in found.why) == ("data-difference", True)


def test_a_file_in_one_run_only_counts_in_runs_that_both_ended() -> None:
    evidence = Evidence(value(), [_opened("0", 7)], [_opened("1", 8)])
    assert explain(evidence) == []
    found = explain(replace(evidence, whole=True))
    assert [(each.cause, round(each.confidence, 2)) for each in found] == [("data-difference", 0.44)]
    capped = [*evidence.b, fact("file", 14, count=90)]
    assert explain(replace(evidence, whole=True, b=capped)) == []


def test_a_temporary_file_with_the_same_bytes_is_the_same_file() -> None:
    evidence = Evidence(value(), [_opened("/tmp/x1", 7)], [_opened("/tmp/y2", 7)], whole=True)
    assert explain(evidence) == []


def test_a_file_read_later_in_the_other_run_is_in_both() -> None:
    evidence = Evidence(value(), [_opened("0", 7)], [_opened("0", 7, at=400)], whole=True)
    assert explain(evidence) == []


def _cached(*seen: tuple[str, bool]) -> list[Fact]:
    asked = [fact("probe", 2, call="os.path.exists", path="c", value=v, process=p) for p, v in seen]
    return [*sorted(asked, key=lambda row: row.process), fact("write", 4, path="c", mode="w", at=40)]


def test_who_asks_first_for_a_file_is_the_systems_affair() -> None:
    one, two = WORKERS
    a, b = _cached((one, False), (two, True)), _cached((two, False), (one, True))
    assert all(pair.equal(lambda d: d.value) for pair in pairs(Evidence(DRAWN, a, b), Probe))
    assert "left-behind" not in {each.cause for each in ask(DRAWN, a, b)}
    found = ask(DRAWN, a, _cached((one, True), (two, True)))[0]
    assert found.cause == "left-behind"


def _write(at: int) -> Fact:
    return fact("write", 3, at, path="c", mode="w")


READS = {
    "by the second before it wrote it": ([_write(9)], [_opened("c", 7, at=5), _write(9)], True),
    "by the first after it wrote it": (
        [_write(9), _opened("c", 7, at=300)], [_opened("c", 7, at=5), _write(9)], True,
    ),
    "by both after they wrote it": (
        [_write(2), _opened("c", 7, at=300)], [_write(2), _opened("c", 7, at=5)], False,
    ),
    "by a worker, written by the main process": (
        [_write(2)], [_write(2), _opened("c", 7, WORKERS[0], at=5)], False,
    ),
    "by both before they wrote it": (
        [_opened("c", 7, at=5), _write(9)], [_opened("c", 7, at=5), _write(9)], False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READS)
def test_left_behind_is_what_was_read_before_it_was_written(name: str) -> None:
    a, b, expected = READS[name]
    assert ("left-behind" in {each.cause for each in ask(DRAWN, a, b)}) is expected


def test_sets_are_paired_by_their_elements() -> None:
    def taken(content: int, order: int) -> Fact[Detail]:
        return fact("iteration", 24, what="for", by="hash", content=content, order=order, n=5)

    evidence = Evidence(BATCH, [taken(1, 10), taken(2, 20)], [taken(2, 20), taken(1, 10)])
    assert all(pair.equal(lambda d: d.order) for pair in pairs(evidence, Iteration))
    assert "hash-order" not in {each.cause for each in explain(evidence)}


def _python(at: int, process: str = "main", thread: int = 0) -> Fact:
    return fact(
        "draw",
        12,
        at,
        process=process,
        generator="python",
        call="random",
        value=at,
        seeded=True,
        thread=thread,
    )


@pytest.mark.parametrize(("process", "thread"), [("main", 1), (WORKERS[0], 0)])
def test_a_list_that_is_cut_shows_no_extra_draw_elsewhere(process: str, thread: int) -> None:
    longer = [_python(1), _python(2, process, thread), _python(3, process, thread)]
    evidence = Evidence(BATCH, longer, longer[:2])
    assert "rng-drift" not in {each.cause for each in explain(evidence)}
    assert explain(replace(evidence, whole=True))[0].cause == "rng-drift"
    here = [_python(1), _python(2)]
    assert ask(BATCH, here, here[:1])[0].cause == "rng-drift"


def _taken(by: str, *, made: str | None, content: int | None = 1, order: int = 1) -> Fact[Detail]:
    return fact("iteration", 24, what="for", by=by, made=made, content=content, order=order, n=5)


ELSEWHERE = {
    "objects": ("address", "net.py:19", "net.py:19"),
    "objects, made where they are taken": ("address", "train.py:24", "train.py:24"),
    "objects, made by a library": ("address", None, "train.py:24"),
    "strings, which are sorted where they are taken": ("hash", "net.py:19", "train.py:24"),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_set_is_mended_where_it_is_made(name: str) -> None:
    by, made, line = ELSEWHERE[name]
    found = ask(value(), [_taken(by, made=made)], [_taken(by, made=made, order=2)])[0]
    assert str(found.site) == line
    assert "train.py:24" in found.why
    assert ("the set is made at net.py:19" in found.why) is (made == "net.py:19")
    assert isinstance(found.subject, Iteration)


@pytest.mark.parametrize(("content", "confidence"), [((1, 1), 0.95), ((None, None), 0.6), ((1, 2), 0.3)])
def test_the_order_of_other_elements_is_no_evidence(
    content: tuple[int | None, int | None], confidence: float
) -> None:
    a, b = (_taken("hash", made=None, content=c, order=o) for o, c in enumerate(content))
    found = ask(value(), [a], [b])[0]
    assert (found.cause, found.confidence) == ("hash-order", pytest.approx(confidence, abs=0.03))


def test_a_set_with_the_same_elements_is_told_before_what_is_made_of_it() -> None:
    names = [fact("iteration", 5, by="hash", content=1, order=order, n=5) for order in (1, 2)]
    picked = [_taken("hash", made=None, content=content, order=content) for content in (3, 4)]
    found = ask(value(), [names[0], picked[0]], [names[1], picked[1]])[0]
    assert (found.cause, found.site and found.site.line) == ("hash-order", 5)
