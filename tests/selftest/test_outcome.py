"""Corruption and difference are told apart; no torch is needed for it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from samebits.selftest.known import KnownBits, KnownMachine, known
from samebits.selftest.outcome import Runs, judged

EXACT = {"integer sum": "1"}
FLOATS = {"exp": "2", "matmul": "3"}
KIND = {"device": "cpu", "libraries.torch": "2.13"}
OTHER = {"device": "cpu", "libraries.torch": "2.11"}


def runs(**changes: Mapping[str, str]) -> Runs:
    parts = {"exact": EXACT, "floats": FLOATS, "again": EXACT | FLOATS, "threads": EXACT} | changes
    return Runs(**parts)


def table(*machines: tuple[Mapping[str, str], Mapping[str, str]]) -> KnownBits:
    return KnownBits(EXACT, tuple(KnownMachine(kind, hashes) for kind, hashes in machines))


def test_the_same_kind() -> None:
    assert judged(KIND, runs(), table((KIND, FLOATS))).word == "equal"
    found = judged(KIND, runs(), table((KIND, FLOATS | {"exp": "9"})))
    assert (found.word, found.exit_status) == ("corrupt", 1)
    assert found.headline == "exp has other bits than machines of this kind"


def test_another_kind() -> None:
    found = judged(KIND, runs(), table((OTHER, FLOATS | {"exp": "9"})))
    assert (found.word, found.exit_status, found.different) == ("different", 0, ("exp",))
    assert "not known yet" in found.headline
    assert "1 differ from the nearest known machine, as they may" in found.headline
    assert found.other_rows == {"libraries.torch": ("2.13", "2.11")}


def test_nothing_to_check_against() -> None:
    found = judged(KIND, runs(), table(({"device": "cuda"}, FLOATS | {"exp": "9"})))
    assert (found.word, found.exit_status, found.different, found.other_rows) == ("unknown", 0, (), {})
    assert "2 of floats were checked against nothing" in found.headline
    line = json.loads(found.entry())
    again = table((line["kind"], line["hashes"]))
    assert judged(KIND, runs(), again).word == "equal"


def test_the_nearest_has_most_bits_in_common() -> None:
    far, near = FLOATS | {"exp": "9", "matmul": "9"}, FLOATS | {"exp": "9"}
    found = judged(KIND, runs(), table((OTHER, far), ({**OTHER, "x": "1"}, near)))
    assert found.different == ("exp",)


@pytest.mark.parametrize(
    ("part", "values", "where"),
    [
        ("exact", {"integer sum": "9"}, "everywhere"),
        ("again", EXACT | FLOATS | {"matmul": "9"}, "again"),
        ("threads", {"integer sum": "9"}, "threads"),
    ],
)
def test_what_must_be_equal_on_any_machine(part: str, values: dict[str, str], where: str) -> None:
    found = judged(KIND, runs(**{part: values}), table())
    assert found.word == "corrupt"
    assert where in {one.where for one in found.wrong}
    assert found.as_json()["wrong"][0]["got"] == "9"


def test_the_table_of_the_package_has_every_piece() -> None:
    from samebits.selftest.pieces import EXACT as PIECES
    from samebits.selftest.pieces import MACHINE

    bits = known()
    assert set(bits.exact) == {piece.name for piece in PIECES}
    assert len(bits.machines) >= 3
    for machine in bits.machines:
        assert {piece.name for piece in MACHINE} <= set(machine.hashes)
        assert bits.of(machine.kind) is machine  # no kind is there twice
    assert {machine.kind["torch.capability"] for machine in bits.machines} >= {"DEFAULT", "AVX2", "AVX512"}
