"""Experiments with a whole program: it runs again under another condition, and what that changed is named."""
