"""The same rows in another order, as a library gave them: groups, joins, distinct values."""

from __future__ import annotations

import ast
from functools import partial
from typing import Final

from samebits.causes._evidence import NO_INPUTS, is_random, pairs, spot
from samebits.causes._frames import lost_orders
from samebits.causes._imports import packages
from samebits.causes._libraryfix import keep_order
from samebits.causes._origins import as_finished, last_name, origin, sorts
from samebits.causes._patch import Patch, mends
from samebits.causes._seeds import differs_elsewhere
from samebits.causes._source import text_of
from samebits.causes._trace import calls_at
from samebits.model.cause import Cause, Evidence
from samebits.model.events import EXTERNAL
from samebits.model.facts import Completion, Thread
from samebits.model.finding import Finding
from samebits.model.rule import Rule
from samebits.model.sites import Site

_FIX = """\
table = table.sort("id")  # by a key, before it becomes a tensor; or keep the order where it is lost:
# polars: group_by("id", maintain_order=True), unique(maintain_order=True), join(..., maintain_order="left")
# pandas: groupby("id", sort=True), merge(..., sort=True)   pyarrow: sort_by("id")   SQL: ORDER BY id"""

#: Functions and methods that give rows in an order that is nobody's.
_LOSE: Final = frozenset(
    {
        *("group_by", "groupby", "unique", "distinct", "value_counts", "drop_duplicates", "partition_by"),
        *("join", "merge", "pivot"),
    }
)
#: What computes what another call asked for, which may be in a text: "SELECT DISTINCT ...".
_COMPUTE: Final = frozenset(
    {"sql", "execute", "query", "collect", "compute", "aggregate", "to_table", "toPandas"}
)
#: Of these, what may give plain values.
_DISTINCT: Final = frozenset({"unique", "distinct"})
#: Libraries whose distinct values are a table, or a column of one.
_TABLES: Final = frozenset(
    {"polars", "pandas", "pyarrow", "duckdb", "sqlite3", "sqlalchemy", "pyspark", "dask", "datasets", "cudf"}
    | {"modin", "ray", "vaex"}
)
_KEEPS: Final = frozenset({"maintain_order", "sort"})
#: Owners of functions of these names that keep an order, or sort: `np.unique`, `os.path.join`.
_OTHERS: Final = frozenset({"np", "numpy", "torch", "path"})


def match(evidence: Evidence) -> Finding | None:
    divergence = evidence.divergence
    event, difference = divergence.event, divergence.difference
    outside = event.flags & EXTERNAL or event.inputs == NO_INPUTS
    if difference is None or not difference.reordered or not outside or is_random(evidence):
        return None
    if event.site is not None and as_finished(text_of(evidence, event.site), event.site.line) is not None:
        return None  # the order of finishing
    lost = _lost_by(evidence, event.site)
    site, by = event.site, "a library gave"
    if lost is not None and event.site is not None:
        site = Site(event.site.file, lost.func.end_lineno or lost.lineno, event.site.function)
        by = f"{last_name(lost.func)}() at {spot(site)} gave"
    return Finding(
        _confidence(evidence, known=lost is not None),
        site,
        f"the tensor made at {spot(event.site)} holds the same rows in both runs, in another order: {by} "
        "them in an order that is new in every run.",
        _FIX,
    )


def _lost_by(evidence: Evidence, site: Site | None) -> ast.Call | None:
    """The call that lost the order, of those that lead to a line."""
    text = text_of(evidence, site)
    if text is None or site is None:
        return None
    calls = (origin(text, site.line, partial(_loses_order, names), sorts) for names in (_LOSE, _COMPUTE))
    return next((call for call in calls if call is not None), None)


def _confidence(evidence: Evidence, *, known: bool) -> float:
    """What was seen to order, or to shuffle, otherwise says more than that something did."""
    if differs_elsewhere(evidence) or any(p.detail.order is None for p in pairs(evidence, Completion)):
        return 0.25
    if known:
        return 0.9
    return 0.25 if pairs(evidence, Thread) else 0.75


def _loses_order(names: frozenset[str], node: ast.Call) -> bool:
    name = last_name(node.func)
    keeps = any(each.arg in _KEEPS and not _is_off(each.value) for each in node.keywords)
    if name not in names or keeps:
        return False
    if not isinstance(node.func, ast.Attribute):
        return True
    owner = node.func.value
    return not isinstance(owner, ast.Constant | ast.JoinedStr) and last_name(owner) not in _OTHERS


def _is_off(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and not value.value


def _change(patch: Patch, finding: Finding) -> str | None:
    if not keep_order(patch, finding.site):
        _sort(patch, finding.site)
    return None


def _sort(patch: Patch, site: Site | None) -> None:
    """Distinct values that a call gives as they are, and that become no table again: in sorted order."""
    draft = patch.draft(site)
    for call in calls_at(draft, site.line, _DISTINCT) if site is not None else ():
        plain = isinstance(draft.names.parent(call), ast.Assign | ast.For | ast.comprehension)
        if plain and not any(packages(other.tree) & _TABLES for other in patch.every()):
            draft.wrap(call, "sorted(", ")")


CAUSE = Cause(
    name="library-order",
    title="The same rows in another order",
    what="A table that a library groups, joins, filters for distinct rows or computes in parallel, used in "
    "the order in which it comes.",
    why="Such a library divides the work among threads and hashes keys with a secret of its own: which rows "
    "come first is decided anew in every run. No seed and no PYTHONHASHSEED has an influence on it.",
    fix=_FIX,
    sources=(
        "https://docs.pola.rs/api/python/stable/reference/dataframe/api/polars.DataFrame.group_by.html",
        "https://github.com/pola-rs/polars/issues/7935",
        "https://arrow.apache.org/docs/python/compute.html#grouped-aggregations",
    ),
    match=match,
    mend=mends(_change),
    rule=Rule(file=lost_orders),
    invalid=(
        "import polars as pl\nimport torch\n\n"
        "frame = pl.DataFrame({'user': [1, 2, 3, 1], 'price': [1.0, 2.0, 3.0, 4.0]})\n"
        "means = frame.group_by('user').agg(pl.col('price').mean())\n"
        "x = torch.from_numpy(means['price'].to_numpy())\n",
    ),
    valid=(
        "import polars as pl\nimport torch\n\n"
        "frame = pl.DataFrame({'user': [1, 2, 3, 1], 'price': [1.0, 2.0, 3.0, 4.0]})\n"
        "means = frame.group_by('user', maintain_order=True).agg(pl.col('price').mean())\n"
        "x = torch.from_numpy(means['price'].to_numpy())\n",
    ),
)
