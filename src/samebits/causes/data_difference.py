"""An input file, or the set of input files, changed between the runs."""

from __future__ import annotations

from samebits.causes._edits import UnclearPlace
from samebits.causes._evidence import FactPair, facts, of_kind, outside, pairs, reach, reordered, spot, sure
from samebits.causes._patch import InWords, Patch, mends
from samebits.model.cause import Cause, Evidence
from samebits.model.facts import Fact, File, Listing, Load, Save, Write
from samebits.model.finding import Finding

_FIX = """\
# give both runs the same input: write results and caches somewhere else than the data is read from,
# and check the data's checksum at the start
assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == EXPECTED"""


def _by_path(evidence: Evidence) -> list[FactPair[File]]:
    """Files side by side by path: two runs may open them in another order."""
    rows_a, rows_b = facts(evidence, File)
    left: dict[tuple[str, str], list[Fact[File]]] = {}
    for fact in rows_b:
        left.setdefault((fact.process, str(fact.detail.path)), []).append(fact)
    found = []
    for fact in rows_a:
        others = left.get((fact.process, str(fact.detail.path)))
        found.append(FactPair(fact, others.pop(0) if others else None))
    return found + [FactPair(None, fact) for rest in left.values() for fact in rest]


def _written(evidence: Evidence, path: str) -> bool:
    written: list[Fact[Write | Save]] = of_kind(evidence.a, Write, Save)
    return any(fact.detail.path == path for fact in written)


def _loaded_as_data(evidence: Evidence, alone: FactPair[File]) -> bool:
    """Whether what one run alone opened was read as data: not a checkpoint, nor left unread."""
    rows = evidence.a if alone.a is not None else evidence.b
    path = alone.detail.path
    loads = of_kind(rows, Load)
    into = any("load_state_dict" in str(fact.detail.call) for fact in loads)
    return not into and any(fact.detail.path == path for fact in loads)


def match(evidence: Evidence) -> Finding | None:
    files = _by_path(evidence)
    changed = next((pair for pair in files if pair.differs(lambda d: d.digest)), None)
    if changed is not None and changed.a is not None:
        path = str(changed.a.detail.path)
        own = " The script itself writes to it." if _written(evidence, path) else ""
        return Finding(
            sure(evidence, changed.a, 0.96),
            changed.site,
            f"{path}, opened at {spot(changed.site)}, did not hold the same bytes in both runs.{own}",
            _FIX,
        )
    listed = next((pair for pair in pairs(evidence, Listing) if pair.differs(lambda d: d.content)), None)
    if listed is not None and reordered(evidence, listed):
        return None  # the same contents in another order
    if listed is not None and listed.a is not None:
        return Finding(
            sure(evidence, listed.a, 0.9),
            listed.site,
            f"{listed.a.detail.path}, listed at {spot(listed.site)}, did not hold the same files in both "
            f"runs ({listed.a.detail.n} and {listed.b.detail.n if listed.b else '?'} names).",
            _FIX,
        )
    alone = next((pair for pair in files if pair.a is None or pair.b is None), None)
    if alone is not None:
        return Finding(
            sure(evidence, alone.fact, 0.85 if _loaded_as_data(evidence, alone) else 0.45),
            alone.site,
            f"{alone.detail.path} was opened at {spot(alone.site)} in one run only.",
            _FIX,
        )
    if evidence.divergence.event.kind == "batch" and evidence.divergence.change == "value":
        site = evidence.divergence.event.site
        return Finding(
            0.2 * outside(evidence) * (reach(evidence, evidence.a[-1]) if evidence.a else 1.0),
            site,
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
