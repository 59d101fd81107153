"""Compiles launches to a GPU's code where there is no GPU; a program, for the interpreter's process cannot.

Takes launches from standard input, one JSON object a line, as `launches` writes them; as arguments a
compute capability, and perhaps "every" or "each".  Prints a JSON list for each that is compiled: module,
kernel, arguments, options, what is wrong.

Triton compiles a kernel anew for other types, for other constants, and where a whole number is 1.  Launches
are compiled as they are and with other numbers, and those of float16 with bfloat16, too, which the
interpreter is spared; of them as many as it takes for all types, or "every" kind of value, to occur.
Or "each" launch is, just as it is.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

import torch
from triton.backends.compiler import GPUTarget
from triton.runtime.jit import MockTensor

import triton

#: Bytes that a block of threads may share on the smaller GPUs of compute capability 8.
SHARED = 99 * 1024
#: Of PTX.  The floor alone may flush what is less than any normal number: no place is so near to zero.
FORBIDDEN = {
    "fused": re.compile(r"\b(?:fma|mad)\.(?!rn\.f(?:32|64)\b)[\w.]*f(?:16|32|64)\w*"),
    "approximate": re.compile(r"\b(?:ex2|lg2|sin|cos|tanh)\.[\w.]*"),
    "may be fused": re.compile(r"\b(?:add|sub|mul)\.(?:f32|f64)\b"),
    "not rounded correctly": re.compile(r"\b(?:div|sqrt|rcp|rsqrt)\.(?:full|approx)[\w.]*"),
    "flushed": re.compile(r"(?<![\w.])(?!cvt\.rmi\.ftz\.f32\.f32\b)\w+\.[\w.]*ftz[\w.]*"),
    "atomic on floats": re.compile(r"\b(?:atom|red)\.[\w.:]*\.b?f(?:16|32|64)\w*"),
}
#: Fused multiply-adds, of PTX and of LLVM's code, where only those are that the kernel writes.
FUSED = re.compile(r"\bfma\.rn\.f(?:32|64)\b")
WRITTEN = re.compile(r" call [^@\n]*@llvm\.fma\.(?:v(\d+))?f(?:32|64)\(")
#: Of TTIR: a product of 32-bit numbers, where a count of elements or a program's first may overflow.
PRODUCT = re.compile(r"%\S+ = arith\.muli [^:]*: (?:tensor<[\dx]+xi32>|i32)\b")


#: Module, kernel, arguments, options.
Launch = tuple[str, str, list[Any], dict[str, Any]]


class NoDevice:
    """What triton asks of its driver before it compiles."""

    def __init__(self, capability: int) -> None:
        self.target = GPUTarget("cuda", capability, 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0

    def get_current_target(self) -> GPUTarget:
        return self.target


def distinct(lines: Iterable[str]) -> Iterator[Launch]:
    """All that triton would compile for the launches."""
    seen = set()
    for module, name, given, options in exact(lines):
        kernel = getattr(import_module(module), name)
        for one in (1, 3):
            for half in ("torch.float16", "torch.bfloat16"):
                arguments = [
                    value if parameter.is_constexpr else typical(value, one, half)
                    for parameter, value in zip(kernel.params, given, strict=True)
                ]
                made = module, name, arguments, options
                if (key := json.dumps(made)) not in seen:
                    seen.add(key)
                    yield made


def exact(lines: Iterable[str]) -> Iterator[Launch]:
    """The launches, as they are."""
    for line in lines:
        launch = json.loads(line)
        kernel = getattr(import_module(launch["module"]), launch["kernel"])
        given = dict(zip(kernel.arg_names, launch["arguments"], strict=False))
        options: dict[str, Any] = {}
        for name, value in launch["options"].items():
            (given if name in kernel.arg_names else options)[name] = value
        yield launch["module"], launch["kernel"], [given[name] for name in kernel.arg_names], options


def chosen(launches: Iterable[Launch], every: bool) -> Iterator[Launch]:
    """The launches with a type, or `every` kind of value, that their kernel has not yet had."""
    seen = set()
    for module, name, arguments, options in launches:
        kernel = getattr(import_module(module), name)
        values = {(p.name, str(value)) for p, value in zip(kernel.params, arguments, strict=True)}
        types = {
            (p.name, value)
            for p, value in zip(kernel.params, arguments, strict=True)
            if isinstance(value, str)
        }
        fresh = {(module, name, value) for value in (values | {("", str(options))} if every else types)}
        if not fresh <= seen:
            seen |= fresh
            yield module, name, arguments, options


def typical(value: Any, one: int, half: str) -> Any:
    """An argument that triton treats alike."""
    if value == "torch.float16":
        return half
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if isinstance(value, float):
        return 1.5
    if -(2**31) <= value < 2**31:
        return one if value == 1 else 3
    return 2**40 + 1


def faults(module: str, name: str, arguments: list[Any], options: dict[str, Any]) -> list[str]:
    kernel = getattr(import_module(module), name)
    given = [
        MockTensor(getattr(torch, value.removeprefix("torch."))) if str(value).startswith("torch.") else value
        for value in arguments
    ]
    try:
        compiled = kernel.warmup(*given, grid=(1,), **options)
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    found = [
        f"{what}: {hit}"
        for what, wrong in FORBIDDEN.items()
        for hit in sorted(set(wrong.findall(compiled.asm["ptx"])))
    ]
    written = sum(int(count or 1) for count in WRITTEN.findall(compiled.asm["llir"]))
    fused = len(FUSED.findall(compiled.asm["ptx"]))
    if fused > written:
        found.append(f"fused: {fused} multiply-adds, of which {written} are written")
    if compiled.metadata.shared > SHARED:
        found.append(f"{compiled.metadata.shared} bytes of shared memory")
    if dict(zip(kernel.arg_names, arguments, strict=True)).get("WIDE", True):
        found.extend(f"32 bits: {hit}" for hit in PRODUCT.findall(compiled.asm["ttir"]))
    return found


if __name__ == "__main__":
    triton.runtime.driver.set_active(NoDevice(int(sys.argv[1])))
    if sys.argv[2:] == ["each"]:
        launches = exact(sys.stdin)
    else:
        launches = chosen(distinct(sys.stdin), every=sys.argv[2:] == ["every"])
    for launch in launches:
        print(json.dumps([*launch, faults(*launch)]), flush=True)
