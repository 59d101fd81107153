"""What a run logged, whoever's logger wrote it: read, matched by name, and compared."""

from __future__ import annotations

from samebits.metrics.logs import open_log as open_log
from samebits.metrics.series import MetricLog as MetricLog
from samebits.metrics.series import Series as Series

__all__ = ["MetricLog", "Series", "open_log"]
