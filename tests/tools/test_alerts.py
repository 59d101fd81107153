"""The table beside what releases of PyTorch say: read from the installed one, and kept from others."""

from __future__ import annotations

import json
import platform
import subprocess
import zipfile
from pathlib import Path

import pytest
import torch
from tools.alerts import (
    DOCUMENTED,
    EXCEPTIONS,
    FUNCTION,
    NAMED_OTHERWISE,
    Alerts,
    Release,
    lacking,
    main,
    read,
)
from tools.binary import Library

from samebits._runtime.native import compiler
from samebits.ops import OPERATIONS

KEPT = sorted((Path(__file__).parents[1] / "golden").glob("alerts-*.json"))

readable = pytest.mark.skipif(platform.machine() != "x86_64", reason="reads x86-64 machine code")


def kept(path: Path) -> Alerts:
    return Alerts(**json.loads(path.read_text()))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_the_table_lacks_nothing_that_a_release_names(path: Path) -> None:
    alerts = kept(path)
    assert len(alerts.names()) > 70
    assert alerts.unread == 0
    assert len(alerts.libraries["libtorch_cuda.so"]) >= 38
    assert lacking(alerts.names()) == []


def test_no_exception_or_name_is_left_from_an_older_release() -> None:
    named = {name for path in KEPT for name in kept(path).names()}
    assert named >= EXCEPTIONS.keys() | DOCUMENTED.keys() | NAMED_OTHERWISE.keys()
    assert set(DOCUMENTED.values()) <= {row.name for row in OPERATIONS}


def test_a_new_name_is_lacking() -> None:
    names = ["_foo_cuda", "bincount_backward_cuda", "torch.nn.Foo", "_bincount_cuda", "torch.histc"]
    assert lacking(names) == ["_foo_cuda", "bincount_backward_cuda", "torch.nn.Foo"]


@readable
def test_the_installed_release(capsys: pytest.CaptureFixture[str]) -> None:
    found = read(Release())
    version = torch.__version__.partition("+")[0]
    before = {kept(path).version.partition("+")[0]: kept(path) for path in KEPT}
    if version in before:
        same = before[version]
        assert found.libraries["libtorch_cpu.so"] == same.libraries["libtorch_cpu.so"]
        assert (found.python, found.raises, found.slower) == (same.python, same.raises, same.slower)
    assert "put_" in found.libraries["libtorch_cpu.so"]
    assert main([]) == bool(lacking(found.names()))
    assert "the table lacks" in capsys.readouterr().out


def test_a_wheel_is_read_like_an_installation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wheel = tmp_path / "torch-9.0.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    documented = """
        things will act
        deterministically:
            * :func:`torch.gather` when slow
        will throw a:
            * :class:`torch.nn.Foo` when attempted
        In addition, * :func:`torch.nothing`
    """
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("torch/version.py", "__version__ = '9.0.0'")
        file.writestr("torch/__init__.py", f'def use_deterministic_algorithms():\n    """{documented}"""\n')
        file.writestr("torch/_meta_registrations.py", "utils.alert_not_deterministic('bar CUDA')")
        file.writestr(
            "torch/_refs/__init__.py", "alert_not_deterministic(f'max_unpooling{dim}d_forward_out')"
        )
    expected = Alerts(
        "9.0.0", {}, 0, ["bar CUDA", "max_unpooling{dim}d_forward_out"], ["torch.nn.Foo"], ["torch.gather"]
    )
    assert read(Release(wheel)) == expected
    assert main(["--wheel", str(wheel)]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "the table lacks bar CUDA",
        "the table lacks torch.nn.Foo",
    ]
    assert main(["--wheel", str(wheel), "--json"]) == 0
    assert Alerts(**json.loads(capsys.readouterr().out)) == expected


SOURCE = """
void _ZN2at7Context21alertNotDeterministicEPKc(const char *text);
void other(const char *text);
void first(int x) { if (x) { other("not it"); _ZN2at7Context21alertNotDeterministicEPKc("first_cuda"); } }
void second(void) { _ZN2at7Context21alertNotDeterministicEPKc("second kernel"); other("nor this"); }
"""


@readable
@pytest.mark.skipif(compiler("CC", ("cc", "gcc", "clang")) is None, reason="needs a C compiler")
@pytest.mark.parametrize("options", [(), ("-fcf-protection=full",)], ids=["plt", "plt.sec"])
def test_calls_through_the_linkage_table_are_found(tmp_path: Path, options: tuple[str, ...]) -> None:
    """As libtorch_cuda.so calls the function, which libtorch_cpu.so defines."""
    source, library = tmp_path / "kernels.c", tmp_path / "kernels.so"
    source.write_text(SOURCE)
    cc = compiler("CC", ("cc", "gcc", "clang"))
    words = [str(cc), "-O1", "-fno-optimize-sibling-calls", "-shared", "-fPIC", *options]
    subprocess.run([*words, str(source), "-o", str(library)], check=True)
    assert Library(library).passed_to(FUNCTION) == ["first_cuda", "second kernel"]


def test_what_is_no_library_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "libtorch_cuda.so"
    file.write_bytes(b"\x7fELF\x02" + bytes(100))
    with pytest.raises(ValueError, match="no 64-bit x86 library"):
        Library(file)
