"""Orders and settings that a library takes, limits of time and databases: one program, and what was noted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeVar

import pytest
from tests.programs import Folder

from samebits.model.facts import Clock, Completion, Detail, Fact, File, Listing, Thread, Variable, Write
from samebits.observe import observer
from samebits.record.reader import Record

pytestmark = pytest.mark.skipif(observer.compiler() is None, reason="needs a C++ compiler")

_LIBRARY = """\
import glob, os, pathlib
from concurrent.futures import ThreadPoolExecutor, as_completed
from multiprocessing.pool import ThreadPool

PRECISION = os.environ.get("LIB_PRECISION", "double")

def listed(path): return os.listdir(path)
def globbed(path): return glob.glob(path + "/*.txt")
def found(path): return list(pathlib.Path(path).rglob("*.txt"))
def packages(): return os.listdir(os.path.dirname(os.__file__))
def few(path): return os.listdir(path)
def run_all(f, items):
    with ThreadPoolExecutor(2) as pool:
        return [each.result() for each in as_completed([pool.submit(f, i) for i in items])]
def pooled(f, items):
    with ThreadPool(2) as pool:
        return list(pool.imap_unordered(f, items))
def double(x): return x * 2
def home(): return os.environ["LIB_HOME"] if "LIB_HOME" in os.environ else os.environ.get("LIB_ROOT")
"""

_PROGRAM = """\
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "vendor", "site-packages"))
import lib                                           # imported
import concurrent.futures, glob, multiprocessing.pool, signal, sqlite3, threading
import torch, torch.utils.benchmark

os.makedirs("data"); os.makedirs("one")
for name in "abc": open(f"data/{name}.txt", "w").close()
open("one/a.txt", "w").close()
lib.listed("data")                                   # listed
lib.globbed("data")                                  # globbed
lib.found("data")                                    # found
lib.few("one")                                       # one name
lib.packages()                                       # packages
os.listdir("data")                                   # own listing
sorted(glob.glob("data/*.txt"))                      # own glob
lib.run_all(abs, [1, 2, 3])                          # as completed
lib.pooled(abs, [1, 2, 3])                           # unordered
lib.home(); lib.home()                               # home
lib.double(torch.ones(1))                            # double
timer = threading.Timer(60, print)                   # timer
timer.start()                                        # timer started
timer.cancel()
signal.setitimer(signal.ITIMER_REAL, 60)             # alarm
signal.setitimer(signal.ITIMER_REAL, 0)
with multiprocessing.pool.ThreadPool(1) as pool:     # pool
    pool.apply_async(abs, (1,), callback=print).get()  # called back
    pool.apply_async(abs, (1,)).get()                # awaited
with concurrent.futures.ThreadPoolExecutor(1) as pool:
    pool.submit(abs, 1).add_done_callback(print)     # done
base = sqlite3.connect("rows.db")                    # new database
base.execute("create table t (x real)"); base.commit(); base.close()
sqlite3.connect("rows.db").close()                   # database
os.environ["JOBS"] = os.environ["API_TOKEN"] = os.environ["DOOR_PIN"] = "4"
os.environ.get("JOBS"); os.getenv("API_TOKEN"); os.getenv("DOOR_PIN")  # variables
os.rename("rows.db", "kept.db")                      # renamed
torch.utils.benchmark.Timer("1").timeit(1)           # torch timer
sqlite3.connect(":memory:").close()                  # memory
"""
_LINES = {text.split("#")[-1].strip(): n for n, text in enumerate(_PROGRAM.splitlines(), 1) if "#" in text}

D = TypeVar("D", bound=Detail)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    folder = Folder(tmp_path_factory.mktemp("orders"))
    folder.write("vendor/site-packages/lib.py", _LIBRARY)
    folder.write("train.py", _PROGRAM)
    done = folder.run(sys.executable, "-m", "samebits", "record", "--level", "op", "train.py")
    assert done.code == 0, done.err
    (run,) = folder.runs()
    return run.records["main"]


@pytest.fixture(scope="module")
def facts(record: Record) -> list[Fact[Detail]]:
    return record.facts()


def _at(facts: list[Fact[Detail]], place: str, kind: type[D]) -> list[D]:
    """The facts of a kind at a marked line of the program."""
    where = ("train.py", _LINES[place])
    return [
        fact.detail
        for fact in facts
        if fact.site is not None
        and (Path(fact.site.file).name, fact.site.line) == where
        and isinstance(fact.detail, kind)
    ]


def test_a_folder_of_packages_that_a_program_brings_along_is_no_line_of_its_own(record: Record) -> None:
    (double,) = (event for event in record.events(0) if event.name == "aten::mul")
    assert double.site is not None
    assert (double.site.file, double.site.line) == ("train.py", _LINES["double"])


@pytest.mark.parametrize("place", ["listed", "globbed", "found"])
def test_a_library_that_lists_a_folder_is_seen_at_the_users_line(
    facts: list[Fact[Detail]], place: str
) -> None:
    listings = _at(facts, place, Listing)
    assert listings
    assert {(each.path, each.n, each.by) for each in listings} == {("data", 3, f"lib.{place}")}


@pytest.mark.parametrize("place", ["one name", "packages"])
def test_of_one_name_or_of_installed_files_there_is_no_order_to_tell(
    facts: list[Fact[Detail]], place: str
) -> None:
    assert _at(facts, place, Listing) == []


def test_what_python_lists_to_find_a_module_is_no_order(facts: list[Fact[Detail]]) -> None:
    assert {each.detail.path for each in facts if isinstance(each.detail, Listing)} == {"data", "data/*.txt"}


def test_the_programs_own_listing_is_noted_once_and_is_nobody_elses(facts: list[Fact[Detail]]) -> None:
    (own,) = _at(facts, "own listing", Listing)
    assert (own.by, own.n, own.folder) == (None, 3, "data")
    (globbed,) = _at(facts, "own glob", Listing)
    assert (globbed.by, globbed.path, globbed.folder) == (None, "data/*.txt", "data")
    assert globbed.order == globbed.content  # sorted


@pytest.mark.parametrize(
    ("place", "call", "by"),
    [
        ("as completed", "as_completed", "lib.run_all"),
        ("unordered", "imap_unordered", "lib.pooled"),
        ("called back", "the callback of Pool.apply_async", None),
        ("done", "the callback of Future.add_done_callback", None),
    ],
)
def test_results_that_come_as_they_finish(
    facts: list[Fact[Detail]], place: str, call: str, by: str | None
) -> None:
    (found,) = _at(facts, place, Completion)
    assert (found.call, found.by, found.order) == (call, by, None)


def test_results_that_are_waited_for_come_in_order(facts: list[Fact[Detail]]) -> None:
    assert _at(facts, "awaited", Completion) == []


def test_a_variable_that_a_library_reads_is_noted_once_and_never_its_value(facts: list[Fact[Detail]]) -> None:
    assert _at(facts, "imported", Variable) == [Variable(name="LIB_PRECISION", set=False, by="lib.<module>")]
    home = [Variable(name=name, set=False, by="lib.home") for name in ("LIB_HOME", "LIB_ROOT")]
    assert _at(facts, "home", Variable) == home


def test_a_limit_of_time_that_something_else_keeps_is_a_clock(facts: list[Fact[Detail]]) -> None:
    assert _at(facts, "timer", Clock) == [Clock(call="threading.Timer")]
    assert _at(facts, "alarm", Clock) == [Clock(call="signal.setitimer")]
    assert _at(facts, "timer started", Thread) == []
    assert len(_at(facts, "pool", Thread)) == 1


def test_a_database_is_read_and_written_in_place(facts: list[Fact[Detail]]) -> None:
    assert [(each.path, each.mode) for each in _at(facts, "new database", Write)] == [("rows.db", "r+b")]
    assert _at(facts, "new database", File) == []
    (read,) = _at(facts, "database", File)
    assert (read.path, read.digest is not None) == ("rows.db", True)
    assert _at(facts, "memory", Write) == []


def test_what_is_renamed_is_written(facts: list[Fact[Detail]]) -> None:
    assert _at(facts, "renamed", Write) == [Write(path="kept.db", mode="w")]


def test_torchs_own_timer_is_a_clock(facts: list[Fact[Detail]]) -> None:
    assert _at(facts, "torch timer", Clock) == [Clock(call="benchmark.Timer.timeit")]


def test_a_secrets_number_is_not_kept(facts: list[Fact[Detail]]) -> None:
    found = _at(facts, "variables", Variable)
    assert [(each.name, each.set, each.value) for each in found] == [
        ("JOBS", True, "4"),
        ("API_TOKEN", True, None),
        ("DOOR_PIN", True, None),
    ]
