"""Changes that are variables alone, the hash secret's and others: another value than the given one."""

from __future__ import annotations

import pytest

from samebits.control import changes


@pytest.mark.parametrize(
    ("name", "variable", "given"),
    [
        ("hash-seed", "PYTHONHASHSEED", ["", "0", "1", "4294967295", "random"]),
        ("time-zone", "TZ", ["", "UTC", "Pacific/Chatham"]),
        ("locale", "LC_ALL", ["", "C", "C.UTF-8", "de_DE.UTF-8"]),
        ("cpu-capability", "ATEN_CPU_CAPABILITY", ["", "default", "avx2"]),
    ],
)
def test_it_is_another_one(name: str, variable: str, given: list[str]) -> None:
    for value in given:
        changed = changes.environment([name], {variable: value} if value else {})
        assert changed[variable]
        assert changed[variable] != value


def test_the_hash_secret_is_one_that_python_takes() -> None:
    assert changes.environment(["hash-seed"], {"PYTHONHASHSEED": "4294967295"}) == {"PYTHONHASHSEED": "0"}
