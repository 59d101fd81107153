"""What a run logged, whoever's logger wrote it: read, matched by name, and compared."""

from __future__ import annotations

from samebits.metrics.compare import compare_metrics as compare_metrics
from samebits.metrics.logs import open_log as open_log
from samebits.metrics.series import MetricLog as MetricLog
from samebits.metrics.series import Series as Series
from samebits.metrics.tolerance import Tolerance as Tolerance
from samebits.metrics.verdict import MetricsVerdict as MetricsVerdict

__all__ = ["MetricLog", "MetricsVerdict", "Series", "Tolerance", "compare_metrics", "open_log"]
