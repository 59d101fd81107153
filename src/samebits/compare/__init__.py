"""Two records of runs -> one verdict.  No torch: a laptop compares what a cluster recorded."""

from __future__ import annotations

from samebits.compare.judge import compare as compare
from samebits.compare.judge import compare_all as compare_all
from samebits.compare.verdict import Place as Place
from samebits.compare.verdict import Verdict as Verdict
from samebits.compare.verdict import failed as failed
from samebits.compare.verdict import incomplete as incomplete
from samebits.model.finding import Finding as Finding

__all__ = ["Finding", "Place", "Verdict", "compare", "compare_all", "failed", "incomplete"]
