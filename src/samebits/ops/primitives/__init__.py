"""What the families are made of: exact sums, last writes, taps, windows and regions, in plain torch."""
