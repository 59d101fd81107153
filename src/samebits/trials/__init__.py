"""Runs a program several times, one thing changed at a time, and says what follows of it."""
