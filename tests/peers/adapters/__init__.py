"""One file per peer: its names on the outside, samebits on the inside.

Each file has ``modules()``: the peer's module names, and what stands in for them.  An adapter holds what
only that peer's callers know (a variable, an argument's name, the wording of an error) and nothing that is
about random numbers.
"""
