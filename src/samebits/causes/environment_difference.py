"""The two runs did not run on the same thing: threads, versions, hardware, variables."""

from __future__ import annotations

import re
from typing import Final

from samebits.causes._edits import UnclearPlace
from samebits.causes._evidence import is_random, nearest, of_kind, pairs, spot, sure
from samebits.causes._patch import InWords, Patch, mends
from samebits.causes._trace import calls_at
from samebits.model.cause import Cause, Evidence
from samebits.model.divergence import EnvironmentDifference
from samebits.model.facts import Threads, Variable
from samebits.model.finding import Finding
from samebits.model.sites import Site

_FIX_THREADS = """\
torch.set_num_threads(4)  # one fixed number on every machine; or OMP_NUM_THREADS=4 before it starts"""
#: Variables that say where a program was started, or how it is shown.
_OF_TERMINALS: Final = re.compile(
    r"TERM|COLUMNS|LINES|.*COLOR|DISPLAY|WAYLAND_|SSH_|XDG_|JPY_|VSCODE_|PYCHARM|CI$|GITHUB_|TMUX|USER|LOGNAME|"
    r"HOME|PWD|OLDPWD|TMPDIR|TEMP|TMP$|HOSTNAME|LANG|LC_"
)
_DATES: Final = re.compile(r"\b(fromtimestamp|localtime|mktime|ctime)\s*\((?!.*\btz)")
_FIX = """\
# make the environments alike before comparing bits:
# the same torch build (pip install torch==...), ATEN_CPU_CAPABILITY, threads and variables"""


def _rows(evidence: Evidence) -> list[EnvironmentDifference]:
    """What can change bits; another command is no other environment, and is said by itself."""
    return [row for row in evidence.environment if row.matters and row.key != "argv"]


def _told(row: EnvironmentDifference) -> str:
    return f"{row.key}: {str(row.a)[:60]} and {str(row.b)[:60]}"


def _strength(evidence: Evidence) -> float:
    divergence = evidence.divergence
    if divergence.change != "value":
        return 0.6
    if is_random(evidence) and divergence.generators_equal is False:
        return 0.3
    if divergence.inputs_equal is None:
        return 0.88
    return 1.0 if divergence.inputs_equal else 0.6


def _variable(evidence: Evidence, rows: list[EnvironmentDifference]) -> Site | None:
    """The line that reads a variable which differs."""
    names = {row.key.rpartition(".")[2] for row in rows}
    found = nearest(pairs(evidence, Variable), lambda p: p.detail.name in names)
    return found.site if found else None


def _local_time(evidence: Evidence, rows: list[EnvironmentDifference]) -> Site | None:
    """The line that turns a number into a date of where it runs, if where it runs is what differs."""
    if not any(row.key.endswith(".TZ") for row in rows):
        return None
    for file, text in evidence.sources.items():
        for number, line in enumerate(text.split("\n"), 1):
            if _DATES.search(line):
                return Site(file, number)
    return None


def _set_in_one(evidence: Evidence) -> Finding | None:
    """A variable the script reads that is set for one run only, or to another number."""
    differ = [
        pair
        for pair in pairs(evidence, Variable)
        if pair.differs(lambda d: d.set) or pair.differs(lambda d: d.value)
    ]
    read = nearest(differ, lambda p: p.detail.by is None) or nearest(
        differ, lambda p: not _OF_TERMINALS.match(p.detail.name or "")
    )
    if read is None:
        return None
    by = f" by {read.detail.by}" if read.detail.by else ""
    values = [pair.detail.value for pair in (read.a, read.b) if pair is not None]
    how = (
        "was set for one run and not for the other"
        if read.differs(lambda d: d.set)
        else f"was {' for one run and '.join(str(value) for value in values)} for the other"
    )
    return Finding(
        sure(evidence, read.fact, 0.6 if by else 0.92),  # what a library does with it is not seen
        read.site,
        f"the variable {read.detail.name}, read{by} at {spot(read.site)}, {how}.",
        _FIX,
    )


def match(evidence: Evidence) -> Finding | None:
    rows = _rows(evidence)
    set_threads = nearest(pairs(evidence, Threads), lambda p: p.differs(lambda d: d.value))
    if set_threads is not None and set_threads.a is not None and set_threads.b is not None:
        a, b = set_threads.a.detail.value, set_threads.b.detail.value
        return Finding(
            0.96 * max(_strength(evidence), 0.5),
            set_threads.site,
            f"{set_threads.detail.call or 'set_num_threads'} at {spot(set_threads.site)} set {a} threads in "
            f"one run and {b} in the other: a sum split over another number of threads rounds differently.",
            _FIX_THREADS,
        )
    if not rows:
        return _set_in_one(evidence)
    read = _variable(evidence, rows) or _local_time(evidence, rows)
    threads = any("thread" in row.key.lower() for row in rows)
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    return Finding(
        0.96 * (max(_strength(evidence), 0.9) if read else _strength(evidence)),
        read or evidence.divergence.event.site,
        f"the runs did not run on the same thing ({'; '.join(_told(row) for row in rows[:3])}{more}), which "
        "can change the bits of any arithmetic.",
        _FIX_THREADS if threads else _FIX,
    )


def _change(patch: Patch, finding: Finding) -> str | None:
    """One number of threads, the smaller of the two, where that is what differs."""
    if finding.site is not None:
        draft = patch.draft(finding.site)
        for call in calls_at(draft, finding.site.line, {"set_num_threads", "set_num_interop_threads"}):
            rows = [f.detail for f in (*patch.evidence.a, *patch.evidence.b) if f.site == finding.site]
            values = [row.value for row in rows if isinstance(row, Threads) and type(row.value) is int]
            if values and call.args:
                draft.replace(call.args[0], str(min(values)))
                return None
    rows_of_threads = [row for row in _rows(patch.evidence) if row.key == "torch.threads"]
    read = of_kind([fact for fact in patch.evidence.a if fact.site == finding.site], Variable)
    if read and not rows_of_threads:
        raise InWords(f"export {read[0].detail.name}=...  # the same for both runs; {finding.site} reads it")
    if finding.fix != _FIX_THREADS or not rows_of_threads:
        raise UnclearPlace("no line of the program can make them alike")
    row = rows_of_threads[0]
    program = patch.program()
    program.after_imports(f"{program.module('torch')}.set_num_threads({min(int(row.a), int(row.b))})")
    return "one number of threads on every machine"


CAUSE = Cause(
    name="environment-difference",
    title="The runs ran on different things",
    what="Another number of threads, version of torch or numpy, CPU or GPU model, CPU capability, or a "
    "variable that the numerical libraries or the script read.",
    why="Each decides how a sum is split and which instructions add it up. One seed gives other weights "
    "with one and two threads, even where the loss is equal to the last bit.",
    fix=_FIX_THREADS + "\n" + _FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/notes/randomness.html",
        "https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html",
        "https://github.com/pytorch/pytorch/issues/2201",
        "https://github.com/pytorch/pytorch/issues/88718",
        "https://github.com/pytorch/pytorch/issues/62467",
    ),
    match=match,
    mend=mends(_change),
    invalid=(
        "import os\n\nimport torch\n\ntorch.set_num_threads(int(os.getloadavg()[0]) + 1)\n",
        "import os\n\nscale = float(os.environ.get('LOSS_SCALE', '1'))\n",
    ),
    valid=("import torch\n\ntorch.set_num_threads(4)\n",),
)
