"""What a program's objects hold as each optimizer step begins, and its checkpoints; for `samebits resume`."""
