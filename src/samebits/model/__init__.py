"""The vocabulary: plain data that records, comparisons, causes and reports speak of.  Imports no torch."""
