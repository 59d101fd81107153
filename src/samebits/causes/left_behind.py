"""The first run left a file behind, and the second one found it."""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from samebits.causes._checkpoints import goes_on
from samebits.causes._edits import UnclearPlace
from samebits.causes._evidence import (
    before,
    first_writers,
    in_place,
    left_in,
    of_kind,
    pairs,
    reach,
    spot,
)
from samebits.causes._patch import InWords, Patch, mends
from samebits.causes._seeds import drew_alone
from samebits.model.cause import Cause, Evidence
from samebits.model.facts import Detail, Fact, File, Listing, Probe, Save, Write
from samebits.model.finding import Finding

_FIX = """\
# give each run a folder of its own for what it writes, or remove the file before the run
import tempfile
folder = tempfile.mkdtemp()"""


def _path(fact: Fact[Write | Save | Probe | File | Listing]) -> str:
    return os.path.normpath(str(fact.detail.path))


def _resumed(evidence: Evidence) -> bool:
    """Whether the second run alone goes on from what it loaded."""
    return bool(goes_on(evidence, in_a=False)) and not goes_on(evidence, in_a=True)


def match(evidence: Evidence) -> Finding | None:
    writers = first_writers(evidence)
    if not writers:
        return None
    read = _read_alone(evidence, writers)
    asked = _asked(evidence, writers)
    if asked is not None and (read is None or _is_read(evidence, asked)):
        how = f"asked at {spot(asked.site)} whether it exists"
        return _found(evidence, asked, writers[_path(asked)], how, 0.97)
    for listed in pairs(evidence, Listing):
        writer = left_in(evidence, listed)
        if listed.a is not None and writer is not None and before(evidence, listed.a):
            return _found(evidence, listed.a, writer, f"listed its folder at {spot(listed.site)}", 0.9)
    if read is not None:
        return _found(evidence, read, writers[_path(read)], f"read it at {spot(read.site)}", 0.9)
    return None


def _asked(evidence: Evidence, writers: Mapping[str, Fact[Write | Save]]) -> Fact[Probe] | None:
    """Where the first run asked for a file that it wrote later, and the second found it."""
    for pair in pairs(evidence, Probe):
        asked = pair.a
        if asked is None or asked.site is None or asked.detail.value is not False:
            continue
        if pair.differs(lambda d: d.value) and _path(asked) in writers:
            return asked
    return None


def _is_read(evidence: Evidence, asked: Fact[Probe]) -> bool:
    """Whether what was asked for, or something in it, is what the second run then read."""
    under = _path(asked)
    read = [_path(fact) for fact in _found_there(evidence, evidence.b) if before(evidence, fact)]
    return any(path == under or path.startswith(under + os.sep) for path in read)


def _read_alone(evidence: Evidence, writers: Mapping[str, Fact[Write | Save]]) -> Fact[File] | None:
    """A file that the first run wrote and that the second one alone read."""
    found_a = {_path(fact) for fact in _found_there(evidence, evidence.a)}
    for fact in _found_there(evidence, evidence.b):
        path = _path(fact)
        left = path in writers and path not in found_a and not in_place(writers[path].detail)
        if left and fact.site is not None and before(evidence, fact):
            return fact
    return None


def _found_there(evidence: Evidence, rows: Sequence[Fact[Detail]]) -> Iterator[Fact[File]]:
    """The files that a run read before it wrote them itself."""
    made: list[Fact[Write | Save]] = of_kind(rows, Write, Save)
    makers: dict[str, set[str]] = {}
    for one in made:
        if before(evidence, one):
            makers.setdefault(_path(one), set()).add(one.process)
    written: set[tuple[str, str]] = set()
    for fact in rows:
        if isinstance(fact.detail, File) and "w" not in str(fact.detail.mode):
            file = cast("Fact[File]", fact)
            by_others = makers.get(_path(file), set()) - {fact.process}
            if not by_others and (fact.process, _path(file)) not in written:
                yield file
        elif isinstance(fact.detail, Write | Save) and "+" not in str(getattr(fact.detail, "mode", "")):
            written.add((fact.process, _path(cast("Fact[Write | Save]", fact))))


def _found(
    evidence: Evidence, seen: Fact[Probe | File | Listing], writer: Fact[Write | Save], how: str, base: float
) -> Finding:
    if _resumed(evidence) or drew_alone(evidence):
        base = 0.7  # what is amiss is then how it resumes, or that what is left decides of a draw
    return Finding(
        base * reach(evidence, seen),
        seen.site,
        f"the first run wrote {_path(writer)} (at {spot(writer.site)}), and the second found it: both {how}, "
        "and it was there for the second alone. A third run would do as the second did.",
        _FIX,
        subject=writer.detail,
    )


def _change(patch: Patch, finding: Finding) -> str | None:
    """Names the file and the lines; no edit, since whether a cache is to be kept is not for a tool to say."""
    written: list[Fact[Write | Save]] = of_kind(patch.evidence.a, Write, Save)
    writer = next((fact for fact in written if fact.detail is finding.subject), None)
    if writer is None or finding.site is None:
        raise UnclearPlace("the file is not known")
    path = _path(writer)
    raise InWords(
        f"# {path} is written at {spot(writer.site)} and found at {spot(finding.site)}:\n"
        "# write it to a folder that is new in each run, or begin without it:\n"
        "from pathlib import Path\n"
        f"Path({path!r}).unlink(missing_ok=True)  # before line {finding.site.line}"
    )


CAUSE = Cause(
    name="left-behind",
    title="The first run left a file that the second found",
    what="A cache, a checkpoint or a lock that the program writes and looks for when it starts.",
    why="The first run does not find it and takes one way; every later run finds it and takes another. Two "
    "later runs agree, so it looks as if the difference had gone.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/notes/randomness.html",
        "https://docs.python.org/3/library/tempfile.html#tempfile.mkdtemp",
    ),
    match=match,
    mend=mends(_change),
    invalid=(
        "import os\n\nimport torch\n\nif os.path.exists('cache.pt'):\n    order = torch.load('cache.pt')\n"
        "else:\n    order = torch.randperm(100)\n    torch.save(order, 'cache.pt')\n",
    ),
    valid=(
        "import torch\n\norder = torch.randperm(100, generator=torch.Generator().manual_seed(0))\n"
        "torch.save(order, 'order.pt')  # written, never read back by the next run\n",
    ),
)
