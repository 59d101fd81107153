"""The smallest set of changes that makes a program repeat."""
