"""Memory that a source asks for and reads before anything is written to it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, Literal

from samebits.causes._edits import Draft
from samebits.causes._nodes import call_of, named_calls
from samebits.model.rule import Hit
from samebits.source.module import Module, is_constant, keyword, last_name
from samebits.source.project import is_test
from samebits.source.variables import Variables

Event = Literal["read", "written", "part", "returned", "nothing", "unknown"]

_TORCH: Final = frozenset({"torch.empty", "torch.empty_like", "torch.empty_strided"})
_TYPES: Final = frozenset({"torch.Tensor", "torch.FloatTensor", "torch.DoubleTensor", "torch.HalfTensor"})
_INTS: Final = frozenset({"torch.LongTensor", "torch.IntTensor"})
_NUMPY: Final = frozenset({"numpy.empty", "numpy.empty_like"})
_ZEROS: Final = {"empty": "zeros", "empty_like": "zeros_like", "new_empty": "new_zeros", "Tensor": "zeros"}
_WORDS: Final = ("empty", "Tensor(")

_FILLS: Final = frozenset(
    {
        "zero_",
        "fill_",
        "copy_",
        "normal_",
        "uniform_",
        "random_",
        "bernoulli_",
        "exponential_",
        "set_",
        "fill",
    }
    | {"cauchy_", "geometric_", "log_normal_", "fill_diagonal_", "share_memory_", "trunc_normal_"}
)
#: Who calls these, may come to an attribute without its name.
_ALL: Final = frozenset(
    {
        "parameters",
        "named_parameters",
        "modules",
        "apply",
        "load_state_dict",
        "children",
        "buffers",
        "getattr",
    }
    | {"getattr", "setattr", "from_pretrained", "init_weights"}
)
#: In place, of what is there already.
_READS: Final = frozenset(
    {"add_", "sub_", "mul_", "div_", "lerp_", "addmm_", "addcmul_", "addcdiv_", "index_add_", "scatter_add_"}
    | {"clamp_", "exp_", "log_", "sqrt_", "pow_", "neg_", "abs_", "sigmoid_", "softmax", "sum", "mean", "max"}
    | {"min", "std", "var", "norm", "matmul", "mm", "item", "tolist", "argmax", "abs", "exp", "log"}
)
#: What gives the same memory on, or asks nothing of what is in it.
_SAME: Final = frozenset(
    {"to", "cuda", "cpu", "float", "half", "double", "requires_grad_", "view", "reshape", "data", "detach"}
    | {"t", "T", "transpose", "permute", "unsqueeze", "squeeze", "expand", "contiguous", "pin_memory"}
    | {"astype", "type", "flatten", "ravel"}
)
_ASKS: Final = frozenset(
    {"size", "shape", "device", "dtype", "numel", "dim", "ndim", "is_cuda", "stride", "nelement", "layout"}
    | {"itemsize", "nbytes", "is_contiguous", "requires_grad", "ndimension", "storage_offset", "data_ptr"}
)
_ARITHMETIC: Final = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.MatMult, ast.Pow, ast.Mod, ast.FloorDiv)


def unwritten(module: Module) -> Iterator[Hit]:
    """Places where memory is made that is read as it came."""
    if not any(word in module.text for word in _WORDS) or is_test(module.file):
        return
    reader = _Reader(module)
    for call, name, last in named_calls(module):
        if _makes(module, call, name, last):
            why = reader.why(call)
            if why is not None:
                numpy = name in _NUMPY
                zeros = last in _ZEROS and all(given.arg != "memory_format" for given in call.keywords)
                yield Hit(
                    module.place(call),
                    f"{why}: it holds whatever lay there before.",
                    _FIX_NUMPY if numpy else _FIX,
                    mend=_zeros if zeros else None,
                    safe=zeros,
                )


#: How a finding begins of which another file may know better.
NOTHING: Final = "nothing in the file"
_FIX: Final = """\
buffer = torch.zeros(shape)  # torch.empty holds whatever lay in that memory before"""
_FIX_NUMPY: Final = """\
buffer = np.zeros(shape)  # np.empty holds whatever lay in that memory before"""


def _makes(module: Module, call: ast.Call, name: str | None, last: str) -> bool:
    """Whether a call gives memory that nothing has written, and more than nothing of it."""
    if name in _TYPES or name in _INTS:
        if any(isinstance(each, ast.Starred) for each in call.args) or call.keywords:
            return False
        sized = len(call.args) >= 2 or (len(call.args) == 1 and module.kinds.is_number(call.args[0]))
        if not sized:
            return False
    elif not (
        name in _TORCH or name in _NUMPY or (last == "new_empty" and isinstance(call.func, ast.Attribute))
    ):
        return False
    if any(is_constant(given.value, "meta") for given in call.keywords if given.arg == "device"):
        return False
    dtype = keyword(call, "dtype")
    if dtype is not None and module.names.qualified(dtype) in ("object", "numpy.object_"):
        return False
    sizes = list(call.args)
    if (size := keyword(call, "size") or keyword(call, "shape")) is not None:
        sizes.append(size)
    inner = [each for one in sizes for each in (one.elts if isinstance(one, ast.Tuple | ast.List) else [one])]
    return bool(inner) and not any(isinstance(each, ast.Constant) and each.value == 0 for each in inner)


class _Reader:
    def __init__(self, module: Module) -> None:
        self.module = module
        self.names = module.names
        self.variables = Variables(module)

    def why(self, call: ast.Call) -> str | None:
        """What reads the memory that a call makes, as a sentence; None where that is not known."""
        top = self._whole(call)
        made = f"{last_name(call.func)}()"
        event = self._event(top)
        if event == "read":
            return f"the memory that {made} gives is read at once"
        above = self.names.parent(top)
        match above:
            case ast.Assign(targets=[ast.Name() as target]) | ast.AnnAssign(target=ast.Name() as target):
                return self._variable(target, call, made)
            case ast.Assign(targets=[ast.Attribute() as target]):
                return self._attribute(target.attr, call, made)
            case ast.Call() if last_name(above.func) == "Parameter":
                kept = self.names.parent(above)
                match kept:
                    case ast.Assign(targets=[ast.Attribute() as target]):
                        return self._attribute(target.attr, call, made)
                    case ast.Call():
                        return self._registered(kept, call, made)
                    case _:
                        return None
            case ast.Call():
                return self._registered(above, call, made)
            case _:
                return None

    def _registered(self, kept: ast.Call, call: ast.Call, made: str) -> str | None:
        """`self.register_buffer("mean", torch.empty(3))`."""
        if last_name(kept.func) not in ("register_buffer", "register_parameter") or not kept.args:
            return None
        name = kept.args[0]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            return self._attribute(name.value, call, made)
        return None

    def _whole(self, node: ast.expr) -> ast.expr:
        """The expression that is still the same memory: `torch.empty(3).to(device)`."""
        while isinstance(above := self.names.parent(node), ast.Attribute) and above.attr in _SAME:
            called = self.names.parent(above)
            node = called if isinstance(called, ast.Call) and called.func is above else above
        return node

    def _event(self, node: ast.expr) -> Event:
        """What is done with the memory where it is named."""
        above = self.names.parent(node)
        match above:
            case ast.Attribute(attr=attr):
                called = self.names.parent(above)
                if attr in _ASKS:
                    return "nothing"
                if not isinstance(called, ast.Call) or called.func is not above:
                    return "unknown"
                if attr in _READS:
                    return "read"
                return "written" if attr in _FILLS else "unknown"
            case ast.BinOp(op=op) if isinstance(op, _ARITHMETIC):
                return "read"
            case ast.Compare(ops=[ast.Is() | ast.IsNot()]):
                return "nothing"
            case ast.Compare() | ast.UnaryOp():
                return "read"
            case ast.AugAssign(target=target, op=op) if target is node and isinstance(op, _ARITHMETIC):
                return "read"
            case ast.AugAssign(value=value) if value is node:
                return "read"
            case ast.Subscript(value=value) if value is node:
                return self._taken(above)
            case ast.Return() | ast.Yield():
                return "returned"
            case ast.keyword(arg="out"):
                return "written"
            case ast.Call():
                return self._given(above)
            case _:
                return "unknown"

    def _given(self, call: ast.Call) -> Event:
        name, last = self.names.called(call), last_name(call.func)
        if name in ("len", "isinstance", "id", "type", "numpy.shape", "torch.numel"):
            return "nothing"
        if name in (
            "print",
            "torch.sum",
            "torch.mean",
            "numpy.sum",
            "numpy.mean",
            "torch.matmul",
            "torch.mm",
        ):
            return "read"
        if name is not None and name.startswith("torch.nn.functional."):
            return "unknown" if last.endswith("_") else "read"
        return "written" if last.endswith("_") or "init" in last else "unknown"

    def _taken(self, node: ast.Subscript) -> Event:
        """`x[i] = ...`, `x[i] += ...`, `x[:3].copy_(y)`, `x[i].mul_(2)`."""
        above = self.names.parent(node)
        if isinstance(node.ctx, ast.Store):
            if isinstance(above, ast.AugAssign):
                return "read"
            return "part" if self._is_part(node.slice) else "written"
        event = self._event(self._whole(node))
        if event == "written":
            return "part" if self._is_part(node.slice) else "written"
        return event if event != "nothing" else "nothing"

    def _is_part(self, index: ast.expr) -> bool:
        """Whether a slice ends somewhere: `x[:n]`, `x[i, :n]`."""
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        return any(isinstance(each, ast.Slice) and each.upper is not None for each in parts)

    # -- variables

    def _variable(self, target: ast.Name, call: ast.Call, made: str) -> str | None:
        scope = self.module.function(target)
        home = self.names.home(target)
        uses = [
            name
            for name in self.variables.named.get(target.id, ())
            if (name.lineno, name.col_offset) > (call.end_lineno or 0, call.end_col_offset or 0)
            and self.names.home(name) is home
        ]
        parts: list[ast.expr] = []
        for name in uses:
            if self.module.function(name) is not scope:
                return None
            above = self.names.parent(name)
            if isinstance(name.ctx, ast.Store):
                augmented = isinstance(above, ast.AugAssign) and isinstance(above.op, _ARITHMETIC)
                return (
                    f"the memory that {made} gives is added to in line {name.lineno}" if augmented else None
                )
            whole = self._whole(name)
            event, above = self._event(whole), self.names.parent(whole)
            if event == "nothing":
                continue
            if event == "part" and isinstance(above, ast.Subscript):
                parts.append(above.slice)
            elif event == "read" and not parts:
                return f"line {name.lineno} reads what {made} gives before anything is written to it"
            elif parts and self._is_used(event, above) and self._leaves_gaps(parts, call, uses):
                return f"line {name.lineno} uses the whole of what {made} gives, and a part alone is written"
            else:
                return None
        return None

    def _is_used(self, event: Event, above: ast.AST | None) -> bool:
        """Whether the memory as a whole goes somewhere."""
        return event in ("read", "returned") or (event == "unknown" and not isinstance(above, ast.Attribute))

    def _leaves_gaps(self, parts: list[ast.expr], call: ast.Call, uses: list[ast.Name]) -> bool:
        """Whether all that is written is slices that end before the memory does."""
        given = [*call.args, *(each.value for each in call.keywords)]
        sizes = {ast.dump(each) for one in given for each in ast.walk(one) if isinstance(each, ast.expr)}
        ends: set[str] = set()
        for index in parts:
            for each in index.elts if isinstance(index, ast.Tuple) else [index]:
                if not isinstance(each, ast.Slice):
                    continue
                if each.lower is not None and not is_constant(each.lower, 0):
                    return False
                if each.upper is not None:
                    ends.add(ast.dump(each.upper))
                    if not self._is_short(each.upper, call):
                        return False
        if ends & sizes:
            return False
        for name in uses:  # who takes the same slice again knows of it
            match self.names.parent(name):
                case ast.Subscript(ctx=ast.Load(), slice=index):
                    if any(isinstance(each, ast.Slice) for each in ast.walk(index)):
                        return False
                case _:
                    pass
        return True

    def _is_short(self, end: ast.expr, call: ast.Call) -> bool:
        """Whether a slice's end is another for each row, or less than the size that is written there."""
        if isinstance(end, ast.Constant):
            size = call.args[0] if len(call.args) == 1 else None
            return (
                isinstance(size, ast.Constant)
                and isinstance(size.value, int)
                and isinstance(end.value, int)
                and 0 <= end.value < size.value
            )
        if not any(True for _ in self.module.loops(end)):
            return False
        if isinstance(end, ast.Call):
            return self.names.called(end) == "len" or last_name(end.func) == "size"
        if isinstance(end, ast.Subscript):
            return isinstance(end.value, ast.Attribute) and end.value.attr == "shape"
        if isinstance(end, ast.Name):
            values = self.names.values(end) or ()
            return any(self._varies(value) for value in values)
        return False

    def _varies(self, node: ast.expr) -> bool:
        return any(
            isinstance(inner, ast.Call)
            and (self.names.called(inner) == "len" or last_name(inner.func) == "size")
            and any(True for _ in self.module.loops(inner))
            for inner in ast.walk(node)
        )

    # -- attributes

    def _attribute(self, name: str, call: ast.Call, made: str) -> str | None:
        """An attribute of a class that is read, and that nothing in the file writes."""
        owner = self.module.class_of(call)
        if owner is None or self._fills_all():
            return None
        read: int | None = None
        for node in self.module.every(ast.Attribute):
            if node.attr != name:
                continue
            if isinstance(node.ctx, ast.Store):
                above = self.names.parent(node)
                if not (isinstance(above, ast.Assign) and _holds(above.value, call)):
                    return None
                continue
            event = self._event(self._whole(node))
            if event in ("written", "part"):
                return None
            if event == "unknown" and not self._is_kept_reading(node):
                return None
            if event in ("read", "unknown") and self.module.class_of(node) is owner:
                read = read or node.lineno
        if read is None:
            return None
        return f"{NOTHING} writes to {name}, whose memory {made} gives, and line {read} reads it"

    def _is_kept_reading(self, node: ast.Attribute) -> bool:
        """Whether a use that is not known by name is one of torch's own functions."""
        above = self.names.parent(self._whole(node))
        return isinstance(above, ast.Call) and (self.names.called(above) or "").startswith(
            ("torch.cat", "torch.stack", "torch.einsum", "torch.bmm", "torch.nn.functional.", "torch.spmm")
        )

    def _fills_all(self) -> bool:
        """Whether the file goes over all parameters, or sets them by name, and fills what it comes to."""
        return self._initializes if any(last in _ALL for _, _, last in self.module.calls) else False

    @property
    def _initializes(self) -> bool:
        """Whether something in the file is initialised that is not named there: `init.xavier_uniform_(p)`."""
        for call, name, last in self.module.calls:
            fills = (name or "").startswith("torch.nn.init.") or last in _FILLS
            given = call.args[0] if call.args and (name or "").startswith("torch.nn.init.") else call.func
            if fills and isinstance(given, ast.Name):
                return True
            if fills and isinstance(given, ast.Attribute):
                inner = given.value
                while isinstance(inner, ast.Attribute):
                    inner = inner.value
                if isinstance(inner, ast.Name) and inner.id != "self":
                    return True
        return any(name == "getattr" or name == "setattr" for _, name, _ in self.module.calls)


def _holds(node: ast.expr, inner: ast.expr) -> bool:
    return any(each is inner for each in ast.walk(node))


def _zeros(draft: Draft, node: ast.AST) -> None:
    call = call_of(draft, node, _ZEROS)
    draft.rename(call, _ZEROS[last_name(call.func)])
