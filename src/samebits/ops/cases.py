"""How each operation of the table is reached: unmodified public calls, on data made from a seed.

Each family's file says so itself (`CASES`); this is one list for all who run the operations: the tests hold
each case to the contract, the benchmark times it, `samebits ops --check` repeats it on the machine at hand.
Data have what makes float atomics differ: many contributions to few targets.
"""

from __future__ import annotations

from samebits.ops import families
from samebits.ops.case import Case

CASES: tuple[Case, ...] = tuple(case for family in families() for case in family.CASES)
