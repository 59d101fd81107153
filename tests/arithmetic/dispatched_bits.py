"""Which operations of torch's dispatcher give other bits with another instruction set or number of threads.

Programs run in processes, one for each setting; each dispatched operation is kept as a hash of its inputs and
a hash of its outputs.  An operation differs where equal inputs gave unequal outputs.  Two things are run:
torch's own samples of its operations (`op_db`), forward and backward, and the calls of `large_inputs`, whose
work threads share.

    python -m tests.arithmetic.dispatched_bits RESULT samples|large|float32 [PART PARTS]
    python -m tests.arithmetic.dispatched_bits --compare RESULT ...

The first records this process' setting (ATEN_CPU_CAPABILITY, OMP_NUM_THREADS); a RESULT's name begins with
the setting's, up to an `@`.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tests.arithmetic import large_inputs
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

DTYPES = (torch.float32, torch.bfloat16, torch.float64, torch.float16)

#: What these write over is no input of theirs, and may never have been written.
_OVERWRITE = ("copy_", "fill_", "zero_", "uniform_", "normal_", "random_", "set_", "resize_", "resize_as_")
#: Give memory that nobody has written.
_UNWRITTEN = ("empty", "new_empty", "resize", "_resize", "_efficientzerotensor", "set_", "as_strided")


def bits(value: Any) -> bytes:
    """Of a tensor: dtype, shape and elements, every NaN alike; of all else: how it is written."""
    if not isinstance(value, torch.Tensor):
        return repr(value).encode()
    about = f"{value.dtype} {tuple(value.shape)} ".encode()
    if value.layout is not torch.strided or value.is_quantized or value.is_nested or not value.is_cpu:
        return about + repr(value).encode()
    if value._is_zerotensor():  # has no memory
        return about + b"zeros"
    flat = value.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
    if flat.is_complex():
        flat = torch.view_as_real(flat).reshape(-1)
    if flat.is_floating_point():
        flat = torch.where(flat.isnan(), torch.full((), torch.nan, dtype=flat.dtype), flat)
    return about + hashlib.blake2b(flat.view(torch.uint8).numpy().data, digest_size=12).digest()


def digest(values: Iterable[Any]) -> bytes:
    whole = hashlib.blake2b(digest_size=12)
    for value in values:
        whole.update(bits(value))
        whole.update(b"\0")
    return whole.digest()


class Recorder(TorchDispatchMode):
    """`kept`: (operation, hash of its inputs) -> hash of its outputs; None where it gave two unlike ones."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, bytes], bytes | None] = {}

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = function.name()
        short = name.partition("::")[2].partition(".")[0]
        arguments = function._schema.arguments
        written = [value for argument, value in zip(arguments, args, strict=False) if _writes(argument)]
        out = {argument.name for argument in arguments if argument.kwarg_only and _writes(argument)}
        got = list(args)
        if short in _OVERWRITE:
            got[0] = (args[0].dtype, args[0].shape)
        got.extend((key, value) for key, value in sorted(kwargs.items()) if key not in out)
        strides = [value.stride() for value in tree_flatten(args)[0] if isinstance(value, torch.Tensor)]
        before = digest([*tree_flatten(got)[0], strides])
        result = function(*args, **kwargs)
        if short.startswith(_UNWRITTEN) or torch.Tag.nondeterministic_seeded in function.tags:
            return result
        after = digest(tree_flatten([result, written])[0])
        key = (name, before)
        self.kept[key] = after if self.kept.setdefault(key, after) == after else None
        return result


def _writes(argument: Any) -> bool:
    return argument.alias_info is not None and argument.alias_info.is_write


def forward_and_backward(call: Callable[[], Any]) -> None:
    """Runs it and its backward; what it raises is no business of ours."""
    try:
        result = call()
        outputs = [x for x in tree_flatten(result)[0] if isinstance(x, torch.Tensor) and x.requires_grad]
        leaves = [x for x in outputs if x.is_floating_point() and x.layout is torch.strided]
        for output in leaves[:3]:
            output.backward(_like(output), retain_graph=True)
    except Exception:
        pass


def _like(output: torch.Tensor) -> torch.Tensor:
    """Numbers without a pattern, the same in every setting: integers divided by a power of two."""
    numbers = (torch.arange(output.numel()) * 2654435761 % 4093 - 2046).to(output.dtype) / 1024
    return numbers.reshape(output.shape)


def samples(
    part: int, parts: int, dtypes: Iterable[torch.dtype] = DTYPES, most: int = 40
) -> Iterator[Callable[[], Any]]:
    """torch's own samples of its operations, `most` of each and dtype, as calls."""
    from torch.testing._internal.common_methods_invocations import op_db

    for info in op_db[part::parts]:
        for dtype in dtypes:
            if dtype not in info.dtypes or info.name.startswith(
                ("fft", "linalg", "sparse", "masked", "torch.ops")
            ):
                continue
            torch.manual_seed(0)
            backward = dtype in info.backward_dtypes and info.supports_autograd
            try:
                found = list(info.sample_inputs("cpu", dtype, requires_grad=backward))
            except Exception:
                continue
            for sample in found[:most]:
                for op in (info.op, info.inplace_variant):
                    if op is not None:
                        yield lambda op=op, s=sample: op(_own(s.input), *s.args, **s.kwargs)


def _own(value: Any) -> Any:
    """Not a leaf, so that it can be written to."""
    return value.clone() if isinstance(value, torch.Tensor) and value.requires_grad else value


SOURCES = {
    "samples": samples,
    "large": large_inputs.calls,
    "float32": partial(large_inputs.calls, dtypes=[torch.float32]),
}


def record(source: str, part: int = 0, parts: int = 1) -> dict[tuple[str, bytes], bytes | None]:
    """What the calls of a source dispatch in this process' setting."""
    from samebits import random

    warnings.filterwarnings("ignore")
    recorder = Recorder()
    random.portable(0)
    with recorder:
        for call in SOURCES[source](part, parts):
            forward_and_backward(call)
    return recorder.kept


def compare(
    results: dict[str, dict[tuple[str, bytes], bytes | None]],
) -> tuple[dict[str, set[str]], Counter[str]]:
    """Operations that differ -> between which settings; and how many inputs each was compared on."""
    seen: dict[tuple[str, bytes], dict[str, bytes | None]] = defaultdict(dict)
    for setting, kept in results.items():
        for key, after in kept.items():
            seen[key][setting] = after
    differ: dict[str, set[str]] = defaultdict(set)
    compared: Counter[str] = Counter()
    for (name, _), by_setting in seen.items():
        if len(by_setting) < 2:
            continue
        compared[name] += 1
        first = next(iter(by_setting))
        for setting, after in by_setting.items():
            if after is None or after != by_setting[first]:
                differ[name].add(f"{first} {setting}")
    return dict(differ), compared


def main(arguments: list[str]) -> None:
    if arguments[0] == "--compare":
        results: dict[str, dict[tuple[str, bytes], bytes | None]] = defaultdict(dict)
        for path in map(Path, arguments[1:]):
            results[path.name.partition("@")[0]].update(pickle.loads(path.read_bytes()))
        differ, compared = compare(results)
        for name, number in sorted(compared.items()):
            print(name, number, "; ".join(sorted(differ.get(name, ()))))
        return
    Path(arguments[0]).write_bytes(pickle.dumps(record(arguments[1], *map(int, arguments[2:]))))


if __name__ == "__main__":
    main(sys.argv[1:])
