"""What an object that holds state is told by: rows of (kind, path, value)."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from samebits.observe.census.content import digest, has_numbers, leaves, tensor_digest, written
from samebits.observe.census.walk import Held
from samebits.seeding.adapters import adapter_of

Row = tuple[str, str, str]
#: Parts that a model's parameters are told by.
_PARTS: Final = 32
#: Bytes of an array of the program's that are read at every step; a larger one is data.
_LARGE: Final = 4 << 20


def process_wide() -> list[tuple[str, list[Any]]]:
    """(name, forms of its state as programs save it) of each process-wide generator."""
    import torch

    found: list[tuple[str, list[Any]]] = [("python", [random.getstate()])]
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        state = numpy.get_state(legacy=False)
        found.append(("numpy", [numpy.get_state(), state, state["state"]]))
    found.append(("torch", [torch.get_rng_state()]))
    cuda: Any = torch.cuda
    if cuda.is_initialized():
        found += [(f"cuda:{i}", [cuda.get_rng_state(i)]) for i in range(cuda.device_count())]
    return found


def forms(held: Held) -> list[Any]:
    """What a program may save of it."""
    thing = held.thing
    if held.kind == "generator":
        return _generator_forms(thing)
    if held.kind in ("optimizer", "scheduler", "scaler", "module"):
        state = _asked(thing)
        if held.kind == "optimizer" and state is not None:
            return [state, state.get("state")]
        return [] if state is None else [state]
    return [thing]


def _generator_forms(thing: Any) -> list[Any]:
    if isinstance(thing, random.Random):
        return [thing.getstate()]
    if hasattr(thing, "bit_generator"):
        return [thing.bit_generator.state]
    if hasattr(thing, "get_state"):
        state = thing.get_state()
        return [state, *([thing.get_state(legacy=False)] if isinstance(state, tuple) else [])]
    return [thing.state] if hasattr(thing, "state") else []


def _asked(thing: Any) -> Any:
    try:
        return thing.state_dict()
    except Exception:
        return None


def rows(held: Held, trained: Collection[int], told: set[int] | None = None) -> list[Row]:
    """The rows of one object, none where it answers with an error.

    ``told``: the parameters that another module's rows tell of, which grows.
    """
    try:
        return list(_rows(held, trained, set() if told is None else told))
    except Exception:
        return []


def _rows(held: Held, trained: Collection[int], told: set[int]) -> Iterator[Row]:
    thing, path = held.thing, held.path
    if held.kind == "generator":
        yield "generator", path, _state_of(thing)
    elif held.kind == "optimizer":
        yield "optimizer", path, digest(_in_order(thing))
        rates = [{k: v for k, v in g.items() if k != "params"} for g in thing.param_groups]
        yield "rate", path, digest([{k: v for k, v in one.items() if k != "initial_lr"} for one in rates])
    elif held.kind == "scheduler":
        yield "scheduler", path, digest({k: v for k, v in vars(thing).items() if k not in _OF_SCHEDULERS})
    elif held.kind == "scaler":
        yield "scaler", path, digest(_asked(thing))
    elif held.kind == "module":
        yield from _module_rows(thing, path, trained, told)
    elif held.kind == "sampler":
        for name in ("epoch", "position", "_next", "start_iter"):
            if name in vars(thing):
                yield "sampler", f"{path}.{name}", written(vars(thing)[name])
    elif held.kind in ("tensor", "carried"):
        size = getattr(thing, "nbytes", 0)
        if not (isinstance(size, int) and size > _LARGE):
            yield held.kind, path, digest(thing)
    elif held.kind in ("counter", "values"):
        yield held.kind, path, written(thing, re.split(r"[.\[]", path)[-1].strip("]'"))


#: What a scheduler holds that is no state: its optimizer, and functions.
_OF_SCHEDULERS: Final = frozenset(
    {"optimizer", "lr_lambdas", "_get_lr_called_within_step", "_is_initial", "anneal_func"}
)


def _in_order(optimizer: Any) -> list[Any]:
    """An optimizer's state by the place of each parameter."""
    held = [p for group in optimizer.param_groups for p in group["params"]]
    state = [optimizer.state.get(p) or None for p in held]
    return state if any(state) else []


def _state_of(thing: Any) -> str:
    found = _generator_forms(thing)
    if found:
        return digest(found[0])
    adapter = adapter_of(thing)
    return digest(adapter.capture()) if adapter is not None else ""


def _module_rows(module: Any, path: str, trained: Collection[int], told: set[int]) -> Iterator[Row]:
    parts: dict[str, list[str]] = {}
    untrained: list[str] = []
    frozen = 0
    parameters = _untold(module.named_parameters(), told)
    depth = _depth([name for name, _ in parameters])
    for name, parameter in parameters:
        text = f"{name}:{tensor_digest(parameter):016x}"
        frozen += id(parameter) in trained and not parameter.requires_grad
        if id(parameter) in trained:
            parts.setdefault(".".join(name.split(".")[:depth]), []).append(text)
        else:
            untrained.append(text)
    for part, texts in parts.items():
        yield "parameters", f"{path}.{part}", digest(texts)
    if parts:
        yield "frozen", path, f"={frozen}"
    if untrained:
        yield "untrained", path, digest(untrained)
    buffers = [
        f"{name}:{tensor_digest(buffer):016x}" for name, buffer in _untold(module.named_buffers(), told)
    ]
    if buffers:
        yield "buffers", path, digest(buffers)


def _depth(names: list[str]) -> int:
    """At how many components of their names parameters fall into parts, but not into too many."""
    best = 1
    for depth in (1, 2, 3):
        count = len({tuple(name.split(".")[:depth]) for name in names})
        if count > _PARTS:
            break
        best = depth
        if count > 1:
            break
    return best


def _untold(named: Iterable[tuple[str, Any]], told: set[int]) -> list[tuple[str, Any]]:
    """Those that no other module's rows told of: a wrapper and what is in it are one."""
    found = [(name, tensor) for name, tensor in named if id(tensor) not in told]
    told.update(id(tensor) for _, tensor in found)
    return found


def gathered(found: Iterable[Held]) -> list[Any]:
    """The gradients that optimizers are to take, each and as a list; none where all are zero."""
    groups = [group for one in found if one.kind == "optimizer" for group in one.thing.param_groups]
    grads = [p.grad for group in groups for p in group["params"] if p.grad is not None]
    return [grads, *grads] if any(map(has_numbers, grads)) else []


def contents(held: Held, trained: Collection[int], told: set[int]) -> Iterator[tuple[str, str, list[Any]]]:
    """(kind, path, tensors or forms) by which an object's state is recognised in a checkpoint."""
    if held.kind == "module":
        parameters = _untold(held.thing.named_parameters(), told)
        depth = _depth([name for name, _ in parameters])
        parts: dict[tuple[str, str], list[Any]] = {}
        for name, parameter in parameters:
            row = ("parameters", f"{held.path}.{'.'.join(name.split('.')[:depth])}")
            parts.setdefault(row if id(parameter) in trained else ("untrained", held.path), []).append(
                parameter
            )
        for _, buffer in _untold(held.thing.named_buffers(), told):
            parts.setdefault(("buffers", held.path), []).append(buffer)
        for (kind, path), tensors in parts.items():
            yield kind, path, tensors
    elif held.kind == "optimizer":
        tensors = [one for _, one in leaves(_in_order(held.thing)) if tensor_digest(one) is not None]
        yield "optimizer", held.path, tensors
    elif held.kind in ("generator", "scheduler", "scaler"):
        yield held.kind, held.path, forms(held)
    elif held.kind == "values" and held.thing:
        yield "values", held.path, [held.thing]
    elif held.kind in ("tensor", "carried"):
        yield held.kind, held.path, [one for _, one in leaves(held.thing) if tensor_digest(one) is not None]
