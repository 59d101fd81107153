"""Files used in the order in which the file system happens to list them."""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Sequence

from samebits.causes._evidence import FactPair, facts, nearest, pairs, renamed, reordered, spot, sure
from samebits.causes._listings import LISTS, kept, listings, sort_listing
from samebits.causes._patch import InWords, Patch, mends
from samebits.causes._trace import call_at
from samebits.model.cause import Cause, Evidence
from samebits.model.facts import Fact, File, Listing
from samebits.model.finding import Finding
from samebits.model.rule import Hit, Rule
from samebits.source.module import Module
from samebits.source.order import Orders

_FIX = """\
for path in sorted(Path(folder).iterdir()):  # os.listdir, glob and iterdir promise no order
    ..."""


def match(evidence: Evidence) -> Finding | None:
    pair = nearest(
        pairs(evidence, Listing),
        lambda p: (
            p.differs(lambda d: d.order)
            and p.equal(lambda d: d.content)
            and (p.equal(lambda d: d.path) or renamed(evidence, p))
        ),
    )
    if pair is None or pair.a is None:
        return _renamed(evidence)
    # Whether a library sorts what it listed is not seen: the order in which the files were then read is.
    base = 0.96 if pair.detail.by is None else 0.9 if _read_in_another_order(evidence, pair) else 0.3
    return Finding(
        sure(evidence, pair.a, base),
        pair.site,
        f"{_lister(pair)} gave the two runs the same {pair.detail.n or ''} names in another order.".replace(
            "  ", " "
        ),
        _FIX,
        subject=pair.detail,
    )


def _lister(pair: FactPair[Listing]) -> str:
    if pair.detail.by is not None:
        return f"{pair.detail.by}, called at {spot(pair.site)}, lists {pair.detail.folder}, and that"
    return f"{pair.detail.call or 'a listing'} at {spot(pair.site)}"


def _read_in_another_order(evidence: Evidence, pair: FactPair[Listing]) -> bool:
    """Whether the files of a folder were then read in another order, as far as both runs read them."""

    def read(rows: Sequence[Fact[File]], listing: Fact[Listing] | None) -> list[object]:
        folder = listing.detail.folder if listing is not None else ""
        files = [fact.detail for fact in rows]
        return [each.digest for each in files if os.path.dirname(str(each.path)).startswith(folder)]

    rows_a, rows_b = facts(evidence, File, beyond=True)
    read_a, read_b = read(rows_a, pair.a), read(rows_b, pair.b)
    both = min(len(read_a), len(read_b))
    return read_a[:both] != read_b[:both]


def _renamed(evidence: Evidence) -> Finding | None:
    pair = nearest(
        pairs(evidence, Listing), lambda p: p.differs(lambda d: d.content) and reordered(evidence, p)
    )
    if pair is None or pair.a is None:
        return None
    return Finding(
        sure(evidence, pair.a, 0.93),
        pair.site,
        f"{_lister(pair)} gave the two runs files of the same contents, under other names, in another order.",
        _FIX,
        subject=pair.detail,
    )


def _change(patch: Patch, finding: Finding) -> str | None:
    if isinstance(listing := finding.subject, Listing) and listing.by is not None:
        raise InWords(
            f"# {finding.site}: {listing.by} lists {listing.folder} in no order of its own; give it the\n"
            "# sorted names, or sort the list that it keeps before anything is taken from it:\n"
            "dataset.files.sort()  # whatever it is called there"
        )
    draft = patch.draft(finding.site)
    sort_listing(draft, call_at(draft, finding.site, LISTS))
    return None


def rule(module: Module) -> Iterator[Hit]:
    orders = Orders(module, written=True)
    for call, name in listings(module):
        use = kept(orders, call)
        if use is not None:
            yield Hit(
                module.place(call),
                f"{use.does} {name}, which is the file system's.",
                _FIX,
                mend=sort_listing,
                safe=True,
                returned_by=use.returned_by,
            )


CAUSE = Cause(
    name="directory-order",
    title="Unsorted directory listing",
    what="Files taken in the order of `os.listdir`, `os.scandir`, `glob.glob` or `Path.iterdir`.",
    why="The order is the file system's: it depends on how the files were written and differs between "
    "machines, copies of a data set, and sometimes between runs. Samples then have other numbers, and a "
    "seeded shuffle gives another order.",
    fix=_FIX,
    sources=(
        "https://docs.python.org/3/library/os.html#os.listdir",
        "https://docs.python.org/3/library/glob.html#glob.glob",
        "https://github.com/pytorch/pytorch/issues/13197",
    ),
    match=match,
    mend=mends(_change),
    rule=Rule(file=rule),
    invalid=(
        "import os\n\nfiles = [name for name in os.listdir('data')]\n",
        "from pathlib import Path\n\nfiles = list(Path('data').glob('*.png'))\n",
    ),
    valid=(
        "import os\n\nfiles = [name for name in sorted(os.listdir('data'))]\n",
        "from pathlib import Path\n\nfiles = sorted(Path('data').glob('*.png'))\n",
    ),
)
