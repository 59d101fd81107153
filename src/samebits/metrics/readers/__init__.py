"""The readers of logs, a file each."""
