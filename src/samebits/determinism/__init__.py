"""Determinism: what must be set before a program starts, and in it, for equal bits."""

from __future__ import annotations

from samebits.determinism.environment import apply_deterministic as apply_deterministic
from samebits.determinism.environment import deterministic_environment as deterministic_environment

__all__ = ["apply_deterministic", "deterministic_environment"]
