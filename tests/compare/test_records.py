"""compare over records as they lie on disk: the real writer and reader, not the records in memory."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from samebits.compare import Verdict, compare
from samebits.model.events import KINDS, PHASES, STRUCTURE
from samebits.model.facts import Fact, Seed
from samebits.model.sites import Site
from samebits.record.run import Run, inventory
from samebits.record.writer import Writer

_NAMES = [
    "",
    "aten::mm",
    "aten::_index_put_impl_",
    "loss",
    "w",
    "torch:cpu",
    "encoder.embed",
    "IndexBackward0",
]
#: kind, phase, name, site, module, node
_STEP = [
    ("generator", "other", 5, 0, 0, 0),
    ("op", "forward", 1, 1, 6, 0),
    ("loss", "other", 3, 2, 0, 0),
    ("op", "backward", 2, 1, 6, 7),
    ("gradient", "optimizer", 4, 0, 0, 0),
    ("parameter", "optimizer", 4, 0, 0, 0),
]


def _write(folder: Path, digests: Sequence[Sequence[int]], *, out: bytes, zoomed: bool = False) -> Run:
    folder.mkdir()
    writer = Writer(folder / "main.db", process="main", rank=0, manifest={"torch": {"threads": 2}}, plan={})
    writer.names(list(enumerate(_NAMES))[1:])
    writer.sites([(1, "train.py", 3, "forward"), (2, "train.py", 5, "<module>")])
    writer.source("train.py", "import torch\n\nout = table[index]\n")
    for step, row in enumerate(digests):
        columns: dict[str, list[int]] = {name: [] for name, _ in STRUCTURE}
        for kind, phase, name, site, module, node in _STEP:
            cells: dict[str, Any] = {"kind": KINDS.index(kind), "phase": PHASES.index(phase), "flags": 0}
            cells |= {"name": name, "site": site, "module": module, "node": node}
            for key in columns:
                columns[key].append(cells[key])
        packed = {name: struct.pack(f"<{len(_STEP)}{code}", *columns[name]) for name, code in STRUCTURE}
        writer.chunk(
            thread=0,
            step=step,
            columns=packed,
            digests=struct.pack(f"<{len(row)}Q", *row),
            inputs=struct.pack(f"<{len(row)}Q", *[9] * len(row)) if zoomed else None,
        )
        writer.commit(steps=step + 1)
    writer.facts([Fact(Seed(generator="torch", call="s", value=0), Site("train.py", 1), 0, 0)])
    writer.value(thread=0, index=9, part=0, dtype="float32", shape=[2], data=out)
    writer.finish("finished")
    info = {"format": "samebits.run", "version": 1, "status": "finished", "records": inventory(folder)}
    (folder / "run.json").write_text(json.dumps(info))
    return Run.open(folder)


def _compare(a: Run, b: Run) -> Verdict:
    with a, b:
        return compare(a, b)


@pytest.mark.parametrize("zoomed", [False, True])
def test_two_records(tmp_path: Path, zoomed: bool) -> None:
    rows = [[step * 10 + n for n in range(6)] for step in range(3)]
    drifted = [[99, *row[1:]] for row in rows]
    parted = [drifted[0], [99, 11, 12, 77, 78, 79], [99, 77, 77, 77, 77, 77]]
    ones = struct.pack("<2f", 1.0, 2.0)
    a = _write(tmp_path / "a", rows, out=ones, zoomed=zoomed)
    same = _compare(a, _write(tmp_path / "b", drifted, out=ones, zoomed=zoomed))
    assert (same.verdict, same.steps, same.operations) == ("same", 3, 6)
    a = Run.open(tmp_path / "a")
    verdict = _compare(a, _write(tmp_path / "c", parted, out=struct.pack("<2f", 1.0, 4.0), zoomed=zoomed))
    assert verdict.verdict == "diverged"
    first = verdict.first
    assert first is not None
    assert (first.step, first.op, first.phase, first.line) == (1, "aten::index_put", "backward", 3)
    assert (first.module, first.node) == ("encoder.embed", "IndexBackward0")
    assert first.difference is not None
    assert (first.difference.differing, first.difference.max_abs) == (1, 2.0)
    assert verdict.causes[0].cause == "nondeterministic-kernel"
    assert verdict.causes[0].confidence == (0.97 if zoomed else 0.85)
    assert verdict.source_line("train.py", 3) == "out = table[index]"
