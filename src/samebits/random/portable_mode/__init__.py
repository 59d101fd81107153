"""The portable mode: torch's own operations draw this room's numbers."""
