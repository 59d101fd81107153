"""The portable mode: torch's own operations draw this package's numbers."""
