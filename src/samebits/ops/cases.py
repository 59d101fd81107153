"""How each operation of the table is reached: unmodified public calls, on data made from a seed.

Each family's file says so itself (`CASES`); this is one list for all who run the operations: the tests hold
each case to the contract, the benchmark times it, `samebits ops --check` repeats it on the machine at hand.
Data have what makes float atomics differ: many contributions to few targets.
"""

from __future__ import annotations

from importlib import import_module

from samebits.model.operators import OPERATIONS
from samebits.ops.case import Case

CASES: tuple[Case, ...] = tuple(
    case
    for file in sorted({row.file for row in OPERATIONS})
    for case in import_module(f"samebits.ops.{file}").CASES
)
