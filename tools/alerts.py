"""What PyTorch itself says is nondeterministic: read out of a release, and held against the table.

    python -m tools.alerts [--wheel FILE] [--json]

Three places of a release name them, and none names all: the documentation of
`torch.use_deterministic_algorithms`, calls of `alert_not_deterministic` in its
Python files, and calls of `alertNotDeterministic` in its libraries.  What the table
lacks is printed, so that a new release is a diff.  Exits with 1 if it lacks something.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from samebits.model.operators import OPERATIONS
from tools.binary import Library

#: What the kernels call; its parameter's type, part of the name, has changed over the releases.
FUNCTION = re.compile("_ZN2at7Context21alertNotDeterministic")
LIBRARIES = ("libtorch_cpu.so", "libtorch_cuda.so")
FILES = ("_meta_registrations.py", "_decomp/decompositions.py", "_refs/__init__.py")

#: Alerts whose text is not the operation's name with what `_plain` takes off.
NAMED_OTHERWISE = {
    "embedding_bag_backward_cuda_max": "embedding_bag_dense_backward",
    "max_unpooling{dim}d_forward_out": "max_unpool2d",
    "max_unpooling2d_forward_out": "max_unpool2d",
    "max_unpooling3d_forward_out": "max_unpool3d",
    "scatter_reduce_cuda_prod_": "scatter_reduce",
}

#: What the documentation names, and the table's name of it.
DOCUMENTED = {
    "torch.nn.AvgPool3d": "avg_pool3d",
    "torch.nn.AdaptiveAvgPool2d": "adaptive_avg_pool",
    "torch.nn.AdaptiveAvgPool3d": "adaptive_avg_pool",
    "torch.nn.AdaptiveMaxPool2d": "adaptive_max_pool",
    "torch.nn.FractionalMaxPool2d": "fractional_max_pool",
    "torch.nn.FractionalMaxPool3d": "fractional_max_pool",
    "torch.nn.MaxPool3d": "max_pool3d",
    "torch.nn.MaxUnpool1d": "max_unpool",
    "torch.nn.MaxUnpool2d": "max_unpool",
    "torch.nn.MaxUnpool3d": "max_unpool",
    "torch.nn.functional.interpolate": "interpolate",
    "torch.nn.functional.grid_sample": "grid_sample",
    "torch.nn.ReflectionPad1d": "pad",
    "torch.nn.ReflectionPad3d": "pad",
    "torch.nn.ReplicationPad1d": "pad",
    "torch.nn.ReplicationPad2d": "pad",
    "torch.nn.ReplicationPad3d": "pad",
    "torch.nn.NLLLoss": "nll_loss2d",
    "torch.nn.CTCLoss": "ctc_loss",
    "torch.nn.EmbeddingBag": "embedding_bag",
    "torch.Tensor.put_": "put",
    "torch.histc": "histc",
    "torch.bincount": "bincount",
    "torch.median": "median",
    "torch.Tensor.scatter": "scatter",
    "torch.Tensor.scatter_add_": "scatter_add",
    "torch.Tensor.scatter_reduce": "scatter_reduce",
    "torch.Tensor.__getitem__": "index_put",
    "torch.Tensor.index_put": "index_put",
    "torch.Tensor.index_reduce": "index_reduce",
    "torch.index_add": "index_add",
    "torch.gather": "scatter_add",
    "torch.index_select": "index_add",
    "torch.repeat_interleave": "index_add",
}

#: Alerts and documented names that no row answers, and why.
EXCEPTIONS = {
    "torch.nn.ReflectionPad2d": "its backward is deterministic; no kernel of it calls the alert",
    "torch.Tensor.resize_": "of a quantized tensor: no result differs, what is new is filled",
    "quantized_resize_cpu_": "no result differs, what is new is filled",
    "torch.nn.Embedding": "the kernel sorts its indices and adds in that order",
    "torch.kthvalue": "on Apple's devices only",
    "torch.nn.MaxPool2d": "on Apple's devices only",
    "torch.cumsum": "the flag chooses a scan in a fixed order",
    "torch.bmm": "of sparse tensors: cuSPARSE's deterministic algorithm, chosen by the flag",
    "torch.Tensor.index_copy": "the flag chooses a sort, which takes as long",
    **{
        f"torch.nn.Conv{kind}{n}d": "the flag chooses cuDNN's deterministic algorithms"
        for kind in ("", "Transpose")
        for n in (1, 2, 3)
    },
}


@dataclass(frozen=True, slots=True)
class Alerts:
    """What one release says.

    Attributes:
        version: of the release.
        libraries: texts passed to the alert, by the library's name; sorted, without repetitions.
        unread: how many calls in the libraries pass a text that could not be found.
        python: texts in Python files.
        raises: names that the documentation says raise.
        slower: names that the documentation says take a deterministic way under the flag.
    """

    version: str
    libraries: dict[str, list[str]]
    unread: int
    python: list[str]
    raises: list[str]
    slower: list[str]

    def names(self) -> list[str]:
        found = {name for names in self.libraries.values() for name in names}
        return sorted(found.union(self.python, self.raises, self.slower))


class Release:
    """The files of an installed PyTorch or of a wheel.

    Args:
        wheel: a file as it is downloaded; without one the installed PyTorch.
    """

    def __init__(self, wheel: Path | None = None) -> None:
        self.wheel = zipfile.ZipFile(wheel) if wheel else None
        spec = None if wheel else find_spec("torch")
        if wheel is None and (spec is None or spec.origin is None):
            raise ModuleNotFoundError("no PyTorch is installed here: give a release with --wheel FILE")
        self.folder = Path(spec.origin).parent if spec and spec.origin else Path()

    @contextmanager
    def path(self, name: str) -> Iterator[Path | None]:
        """A file on the disk; one of a wheel is unpacked for as long as it is read."""
        if self.wheel is None:
            path = self.folder / name
            yield path if path.exists() else None
            return
        if f"torch/{name}" not in self.wheel.namelist():
            yield None
            return
        with tempfile.NamedTemporaryFile() as file:
            with self.wheel.open(f"torch/{name}") as packed:
                shutil.copyfileobj(packed, file, 1 << 22)
            file.flush()
            yield Path(file.name)

    def text(self, name: str) -> str:
        """A Python file; empty where the release has none."""
        with self.path(name) as path:
            return path.read_text() if path else ""


def read(release: Release) -> Alerts:
    """All that a release says."""
    libraries: dict[str, list[str]] = {}
    unread = 0
    for name in LIBRARIES:
        with release.path(f"lib/{name}") as path:
            if path is not None:
                passed = Library(path).passed_to(FUNCTION)
                unread += passed.count(None)
                libraries[name] = sorted({text for text in passed if text})
    python = sorted({text for name in FILES for text in _passed_in_python(release.text(name))})
    raises, slower = _documented(release.text("__init__.py"))
    version = re.search(r"__version__ = '([^']+)'", release.text("version.py"))
    return Alerts(version[1] if version else "unknown", libraries, unread, python, raises, slower)


def _passed_in_python(source: str) -> Iterator[str]:
    """The texts passed to `alert_not_deterministic`, a formatted one as it is written."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name == "alert_not_deterministic":
                text = node.args[0]
                yield str(text.value) if isinstance(text, ast.Constant) else ast.unparse(text)[2:-1]


def _documented(source: str) -> tuple[list[str], list[str]]:
    """The names in the documentation's two lists: of what raises, and of what is slower."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == "use_deterministic_algorithms":
            _, _, lists = (ast.get_docstring(node) or "").partition("will act\n")
            slower, _, rest = lists.partition("will throw a")
            raises = rest.partition("In addition")[0]
            return _items(raises), _items(slower)
    return [], []


def _items(text: str) -> list[str]:
    return sorted(set(re.findall(r"^\s*\* :\w+:`([\w.]+)`", text, re.MULTILINE)))


def _plain(name: str) -> str:
    """An operation's name without the marks of its kernel: `_bincount_cuda` is `bincount`."""
    words = name.partition(" ")[0].strip("_").split("_")
    return "_".join(word for word in words if word not in ("cuda", "out", "gpu", "template", "kernel"))


def lacking(names: Iterable[str]) -> list[str]:
    """The names that neither a row of the table nor an exception answers."""
    plain = {_plain(row.schema.partition("::")[2].partition(".")[0]) for row in OPERATIONS}
    users = {row.name for row in OPERATIONS}
    return [
        name
        for name in names
        if name not in EXCEPTIONS
        and NAMED_OTHERWISE.get(name, _plain(name)) not in plain
        and DOCUMENTED.get(name) not in users
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.alerts", description=__doc__)
    parser.add_argument(
        "--wheel", type=Path, help="a release as it is downloaded, instead of the installed one"
    )
    parser.add_argument("--json", action="store_true", help="print what the release says, for tests/golden")
    options = parser.parse_args(arguments)
    found = read(Release(options.wheel))
    missing = lacking(found.names())
    if options.json:
        print(json.dumps(asdict(found), indent=1))
        return 0
    for library, names in found.libraries.items():
        print(f"torch {found.version}, {library}: {len(names)} alerts")
    if found.unread:
        print(f"{found.unread} calls pass a text that could not be found")
    print(f"Python files: {len(found.python)} alerts")
    print(f"documentation: {len(found.raises)} raise, {len(found.slower)} are slower")
    for name in missing:
        print(f"the table lacks {name}")
    if not missing:
        print("the table lacks nothing")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
