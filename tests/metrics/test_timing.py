"""Names that measure time, and such as only look like it."""

from __future__ import annotations

from samebits.metrics.timing import measures_time

TIMES = [
    "time", "epoch_time", "train/epoch_time", "train.time", "data_time", "step_time_ms", "batchTime",
    "wall_time", "Wall time", "_runtime", "_timestamp", "_wandb.runtime", "train_runtime",
    "eval_samples_per_second", "train_steps_per_second", "perf/samples-per-sec", "tokens_per_sec_per_gpu",
    "throughput", "train/throughput", "it_s", "train/it/s", "tokens/sec", "fps", "time/fps",
    "time/time_elapsed", "time_this_iter_s", "time_total_s", "time_since_restore", "eta_seconds",
    "rank_data_time", "seconds", "elapsed", "duration", "timestamp", "created_at", "inference_ms",
    "latency", "train_duration", "time_per_step", "runtime", "time_elapsed", "iter_time", "Time(s)", "mfu",
    "ms_per_batch", "ms/batch", "train/sec_per_step", "time_per_epoch",
]  # fmt: skip
OTHERS = [
    "loss", "lr", "timestep", "timesteps", "total_timesteps", "time/total_timesteps", "time_loss",
    "loss_time", "arrival_time", "arrival_time_error", "eta", "sometimes", "lifetime", "time_step",
    "ms_ssim", "forms", "runtime_error_rate", "real_time_factor", "duration_loss", "predicted_duration",
    "epoch", "per_class", "per_sample_loss", "seconds_error", "time_mse", "time/loss", "percent", "items",
    "step", "params", "total_flos",
]  # fmt: skip


def test_times() -> None:
    assert [name for name in TIMES if not measures_time(name)] == []


def test_others() -> None:
    assert [name for name in OTHERS if measures_time(name)] == []
