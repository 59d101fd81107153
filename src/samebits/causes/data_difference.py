"""An input file, or the set of input files, changed between the runs."""

from __future__ import annotations

import os.path
from collections.abc import Sequence

from samebits.causes._edits import UnclearPlace
from samebits.causes._evidence import (
    FactPair,
    facts,
    first,
    first_writers,
    in_place,
    left_in,
    of_kind,
    outside,
    pairs,
    reach,
    reordered,
    spot,
    sure,
)
from samebits.causes._patch import InWords, Patch, mends
from samebits.causes._seeds import differs_elsewhere
from samebits.model.cause import Cause, Evidence
from samebits.model.facts import Detail, Fact, File, Listing, Load, Save, Write
from samebits.model.finding import Finding

_FIX = """\
# give both runs the same input: write results and caches somewhere else than the data is read from,
# and check the data's checksum at the start
assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == EXPECTED"""


def _written(evidence: Evidence, path: str) -> bool:
    written: list[Fact[Write | Save]] = of_kind(evidence.a, Write, Save)
    return any(fact.detail.path == path for fact in written)


def _made_by_both(evidence: Evidence, read: FactPair[File]) -> bool:
    """Whether each run wrote the file anew before it read it: what it holds is then no input."""
    return _made_by(evidence.a, read.a or read.fact) and _made_by(evidence.b, read.b or read.fact)


def _made_by(rows: Sequence[Fact[Detail]], read: Fact[File]) -> bool:
    """Whether a run wrote a file anew before it read it."""
    earlier = True  # what the same process writes later is not what was read
    for each in rows:
        earlier = earlier and each is not read
        if (
            isinstance(each.detail, Write | Save)
            and each.detail.path == read.detail.path
            and not in_place(each.detail)
            and (earlier or each.process != read.process)
        ):
            return True
    return False


def _loaded_as_data(evidence: Evidence, alone: FactPair[File]) -> bool:
    """Whether what one run alone opened was read as data: not a checkpoint, nor left unread."""
    rows = evidence.a if alone.a is not None else evidence.b
    path = alone.detail.path
    loads = of_kind(rows, Load)
    into = any("load_state_dict" in str(fact.detail.call) for fact in loads)
    return not into and any(fact.detail.path == path for fact in loads)


def _read_alone(evidence: Evidence, files: Sequence[FactPair[File]]) -> FactPair[File] | None:
    """A file that one run alone opened, by any name.

    Only of runs that were seen to their ends, with every file: one cut short may have come to it later.
    """
    rows_a, rows_b = facts(evidence, File, beyond=True)
    if not evidence.whole or any(fact.detail.count for fact in (*rows_a, *rows_b)):
        return None
    left = first_writers(evidence)
    known = [{name for fact in rows for name in _names(fact)} for rows in (rows_a, rows_b)]

    def alone(pair: FactPair[File]) -> bool:
        if _made_by(evidence.a if pair.b is None else evidence.b, pair.fact):
            return False  # its own, by a name that is new in every run
        writer = left.get(os.path.normpath(str(pair.detail.path))) if pair.a is None else None
        if writer is not None and not in_place(writer.detail):
            return False  # the first run left it behind
        other = known[1] if pair.b is None else known[0]
        return (pair.a is None or pair.b is None) and other.isdisjoint(_names(pair.fact))

    return first(files, alone)


def _names(file: Fact[File]) -> tuple[tuple[str, object], ...]:
    """What a file is known by: its path, and what it holds, since a temporary file has a new name."""
    path, digest = ("path", file.detail.path), ("digest", file.detail.digest)
    return (path,) if file.detail.digest is None else (path, digest)


def match(evidence: Evidence) -> Finding | None:
    files = pairs(evidence, File)
    changed = first(files, lambda p: p.differs(lambda d: d.digest) and not _made_by_both(evidence, p))
    if changed is not None and changed.a is not None:
        path = str(changed.a.detail.path)
        own = " The script itself writes to it." if _written(evidence, path) else ""
        return Finding(
            sure(evidence, changed.a, 0.96),
            changed.site,
            f"{path}, opened at {spot(changed.site)}, did not hold the same bytes in both runs.{own}",
            _FIX,
        )
    listed = first(
        pairs(evidence, Listing),
        lambda p: p.differs(lambda d: d.content) and p.equal(lambda d: d.path) and p.detail.by is None,
    )
    if listed is not None and (reordered(evidence, listed) or left_in(evidence, listed) is not None):
        return None  # the same contents in another order, or what the first run left there
    if listed is not None and listed.a is not None:
        return Finding(
            sure(evidence, listed.a, 0.9),
            listed.site,
            f"{listed.a.detail.path}, listed at {spot(listed.site)}, did not hold the same files in both "
            f"runs ({listed.a.detail.n} and {listed.b.detail.n if listed.b else '?'} names).",
            _FIX,
        )
    alone = _read_alone(evidence, files)
    if alone is not None:
        added = alone.a is None and os.path.normpath(str(alone.detail.path)) in first_writers(evidence)
        return Finding(
            sure(evidence, alone.fact, 0.9 if added else 0.85 if _loaded_as_data(evidence, alone) else 0.45),
            alone.site,
            f"{alone.detail.path}, opened at {spot(alone.site)}, holds what the run before it wrote there."
            if added
            else f"{alone.detail.path} was opened at {spot(alone.site)} in one run only.",
            _FIX,
        )
    event = evidence.divergence.event
    if event.kind == "batch" and evidence.divergence.change == "value" and not differs_elsewhere(evidence):
        return Finding(
            0.2 * outside(evidence) * (reach(evidence, evidence.a[-1]) if evidence.a else 1.0),
            event.site,
            "the first thing that differs is a batch, and no generator, file, listing or order was seen to "
            "differ before it. Look at what the dataset reads that samebits does not see (a database, the "
            "network, a library of its own), and run samebits verify --level op.",
            _FIX,
        )
    return None


def _change(patch: Patch, finding: Finding) -> str | None:
    """Names the file, and the line that writes it where the program itself does."""
    opened = [fact for fact in facts(patch.evidence, File)[0] if fact.site == finding.site]
    if not opened or opened[0].detail.path is None:
        raise UnclearPlace("the file is not known")
    path = str(opened[0].detail.path)
    written: list[Fact[Write | Save]] = of_kind(patch.evidence.a, Write, Save)
    writer = next((fact for fact in written if fact.detail.path == path), None)
    check = (
        f"# {finding.site}, before {path} is read: both runs must begin with the same file\n"
        "import hashlib\nfrom pathlib import Path\n"
        f"assert hashlib.sha256(Path({path!r}).read_bytes()).hexdigest() == EXPECTED"
    )
    if writer is None:
        raise InWords(check)
    apart = f"# {spot(writer.site)} writes {path}: write to another file than is read\n"
    raise InWords(apart + check)


CAUSE = Cause(
    name="data-difference",
    title="An input changed between the runs",
    what="A data file with other contents, or a folder with other files, than in the other run.",
    why="Other data, other results. Often the first run made the difference itself: it appended to a file, "
    "wrote a cache or a checkpoint that the second run then read.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/notes/randomness.html",
        "https://docs.python.org/3/library/hashlib.html#hashlib.file_digest",
        "https://github.com/pytorch/pytorch/issues/13197",
    ),
    match=match,
    mend=mends(_change),
    invalid=(
        "with open('seen.txt', 'a') as log:\n    log.write('1\\n')\n"
        "with open('seen.txt') as log:\n    rows = len(log.readlines())\n",
    ),
    valid=("with open('data.txt') as data:\n    rows = len(data.readlines())\n",),
)
