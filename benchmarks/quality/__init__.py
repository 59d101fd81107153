"""Whether the random numbers are: `python -m benchmarks.quality`."""
