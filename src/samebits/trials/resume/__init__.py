"""Whether a checkpoint goes on: a program whole, and again interrupted and restarted."""
