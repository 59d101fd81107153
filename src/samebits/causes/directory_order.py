"""Files used in the order in which the file system happens to list them."""

from __future__ import annotations

from samebits.causes._evidence import nearest, pairs, renamed, reordered, spot, sure
from samebits.model.cause import Cause, Evidence
from samebits.model.facts import Listing
from samebits.model.finding import Finding

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
    return Finding(
        sure(evidence, pair.a, 0.96),
        pair.site,
        f"{pair.detail.call or 'a listing'} at {spot(pair.site)} gave the two runs the same "
        f"{pair.detail.n or ''} names in another order.".replace("  ", " "),
        _FIX,
    )


def _renamed(evidence: Evidence) -> Finding | None:
    pair = nearest(
        pairs(evidence, Listing), lambda p: p.differs(lambda d: d.content) and reordered(evidence, p)
    )
    if pair is None or pair.a is None:
        return None
    return Finding(
        sure(evidence, pair.a, 0.93),
        pair.site,
        f"{pair.detail.call or 'a listing'} at {spot(pair.site)} gave the two runs files of the same "
        "contents, under other names, in another order.",
        _FIX,
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
    invalid=(
        "import os\n\nfiles = [name for name in os.listdir('data')]\n",
        "from pathlib import Path\n\nfiles = list(Path('data').glob('*.png'))\n",
    ),
    valid=(
        "import os\n\nfiles = [name for name in sorted(os.listdir('data'))]\n",
        "from pathlib import Path\n\nfiles = sorted(Path('data').glob('*.png'))\n",
    ),
)
