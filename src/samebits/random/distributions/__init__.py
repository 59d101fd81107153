"""The distributions: one file each, found by its `__all__` (`tools/exports.py`)."""
