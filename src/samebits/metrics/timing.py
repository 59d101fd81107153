"""Which metrics measure time, by their names: no two runs agree in them, so they are left out.

A name is one only if it certainly is.  A loss or a count that mentions time (`timestep`, `time_loss`,
`arrival_time_error`) is compared like any other, and so is `eta`, which is a rate in some trainings.
"""

from __future__ import annotations

import re
from typing import Final

#: What is timed in names like `epoch_time` and `train_duration`.
_TIMED: Final = (
    "train|training|test|testing|val|valid|validation|eval|evaluation|inference|predict|prediction|epoch|step|batch|"
    "iter|iteration|data|dataload|dataloading|dataloader|load|loading|fetch|forward|backward|optimizer|update|"
    "compute|gpu|cpu|comm|communication|wall|wall_clock|clock|elapsed|total|cumulative|run|fit|save|checkpoint|"
    "collect|rollout|sample|sampling|learn|generation"
)

#: Of the last part of a name, in small letters, with "_" between words: of "perf/Samples-per-sec"
#: "samples_per_sec".
_PATTERNS: Final = (
    # itself a time
    r"_?(time|times|seconds|secs|runtime|duration|elapsed|latency|timestamp|walltime|datetime|created_at)",
    r"(\w+_)?(run_?time|timestamp|wall_?time|latency|created_at)(_(s|sec|secs|seconds|ms|us|ns|min|hours))?",
    rf"(\w+_)?({_TIMED})_(time|times|duration|elapsed)(_(s|sec|secs|seconds|ms|us|ns|min|hours|avg|mean|total))?",
    r"time_(elapsed|taken|spent|used|remaining|left|total|avg|mean|ms|s|sec|secs|seconds|stamp)",
    r"time_(since|per|this)_\w+|time_total_s",  # a unit of time
    r"\w+_(seconds|secs|millis|milliseconds|microseconds)|ms|\w+_ms",
    r"(eta|elapsed|duration|step|epoch|batch|iter|train|eval)_(s|sec|hours|minutes)",  # so much in a time
    r"(\w+_)?per_(second|sec|s)(_\w+)?",
    r"(\w+_)?(ms|sec|secs|seconds|us|time)_per_\w+",
    r"(\w+_)?(throughput|fps|it_s|its_s|iters_s|mfu)(_\w+)?",
)
_TIMING: Final = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS))
_RATE: Final = re.compile(
    r"(it|its|iter|iters|sample|samples|token|tokens|tok|toks|step|steps|batch|batches|img|imgs|images)/s(ec)?"
    r"|(ms|s|sec)/(it|iter|sample|token|step|batch|img|image|epoch)"
)
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def measures_time(name: str) -> bool:
    """Whether a metric of this name is a time, a rate by time or a date."""
    if name.startswith("_wandb"):  # wandb's own notes on its run
        return True
    plain = re.sub(r"[\s-]+", "_", _HUMP.sub("_", name.strip())).lower()
    rate = "/".join(plain.split("/")[-2:])
    last = re.split(r"[/.:]", plain)[-1].split("(")[0].strip("_") or plain
    return _RATE.fullmatch(rate) is not None or _TIMING.fullmatch(last) is not None
