"""The observer in Python: the native one's interface and, where a dispatch mode can see it, its events."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import threading
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

from samebits.model import events
from samebits.observe import fallback, observer
from samebits.observe.digest import digest
from samebits.usercode import texts

SOURCE = Path(observer.__file__).parents[2]


class Row(NamedTuple):
    kind: str
    phase: str
    flags: int
    name: str
    line: int
    module: str
    node: str
    digest: int
    inputs: int = 0
    generator: int = 0
    source: int = 0  # line


class Watch:
    """A fallback observer that is told how this file's code is to be taken, and its events as text."""

    def __init__(self) -> None:
        self.observer = fallback.Observer()
        self.names = {0: ""}
        self.lines = {0: 0}
        libraries = [os.path.dirname(torch.__file__) + os.sep, str(SOURCE) + os.sep, pytest.__file__]
        self.observer.setup(
            libraries,
            [sysconfig.get_paths()["purelib"] + os.sep],
            nn.Module._call_impl.__code__,
            lambda module: type(module).__name__,
            texts.place,
            lambda: None,
        )

    def rows(self, thread: int = 0) -> list[Row]:
        chunks = self.observer.drain()
        names, sites = self.observer.tables()
        self.names |= dict(names)
        self.lines |= {number: line for number, _, line, _ in sites}
        found = []
        for ordinal, _, n, kind, phase, flags, name, site, module, node, *evidence, _norms in chunks:
            if ordinal != thread:
                continue
            unpacked = [
                array(code, column or bytes(n * array(code).itemsize))
                for code, column in zip(
                    "BBBIIIIQQQI", [kind, phase, flags, name, site, module, node, *evidence], strict=True
                )
            ]
            for k, p, f, a, s, m, o, d, i, g, z in zip(*unpacked, strict=True):
                row = (events.KINDS[k], events.PHASES[p], f, self.names[a], self.lines[s], self.names[m])
                found.append(Row(*row, self.names[o], d, i, g, self.lines[z]))
        return found

    def named(self, name: str) -> list[Row]:
        return [row for row in self.rows() if row.name == f"aten::{name}"]


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    watch.observer.operations(True)
    try:
        yield watch
    finally:
        watch.observer.operations(False)


def here() -> int:
    return sys._getframe(1).f_lineno


def test_interface_is_the_native_one() -> None:
    native = observer.load()
    if getattr(native, "__file__", None) is None:
        pytest.skip("there is no native observer on this machine")
    ours = fallback.module()
    assert [name for name in dir(native) if not name.startswith("_") and not hasattr(ours, name)] == []


def test_limits_are_told_once_operations_are_observed() -> None:
    observed = Watch().observer
    assert observed.limits == []
    observed.operations(True)
    observed.operations(False)
    assert observed.limits == list(fallback.LIMITS)


def test_an_operation(watch: Watch) -> None:
    x = torch.ones(3)
    y, line = x + 2, here()
    rows = watch.rows()
    assert [row.name for row in rows] == ["aten::ones", "aten::add"]
    assert rows[1] == Row("op", "other", 0, "aten::add", line, "", "", digest(y))


def test_backward_names_the_forward_line(watch: Watch) -> None:
    table = torch.ones(4, 2, requires_grad=True)
    i = torch.tensor([0, 0, 3])
    h, line = table[i], here()
    h.square().sum().backward()
    put = watch.named("index_put")
    assert [(row.phase, row.line, row.node) for row in put] == [("backward", line, "IndexBackward0")]


def test_nodes_made_between_operations(watch: Watch) -> None:
    x = torch.ones(3, requires_grad=True)
    y, first = x.cosh(), here()
    y[1:].mul_(2)  # rebases y's history: a node that no operation announces
    z, last = y.sin(), here()
    z.sum().backward()
    lines = {row.node: row.line for row in watch.rows() if row.node in ("CoshBackward0", "SinBackward0")}
    assert lines == {"CoshBackward0": first, "SinBackward0": last}


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        return g * 2  # a user's line of its own


def test_a_function_of_the_user_shows_its_own_line(watch: Watch) -> None:
    x = torch.ones(3, requires_grad=True)
    Doubled.apply(x).sum().backward()
    line = Doubled.backward.__code__.co_firstlineno + 2
    assert [(row.line, row.phase) for row in watch.rows() if row.node == "DoubledBackward"] == [
        (line, "backward")
    ]


def test_checkpoint_recomputes_on_the_forward_line(watch: Watch) -> None:
    x = torch.ones(3, requires_grad=True)

    def part(x: torch.Tensor) -> torch.Tensor:
        return x.tanh()

    line = part.__code__.co_firstlineno + 1
    checkpoint(part, x, use_reentrant=False).sum().backward()
    assert [(row.phase, row.line) for row in watch.named("tanh")] == [("forward", line), ("backward", line)]


@pytest.mark.usefixtures("generators_restored")
def test_modules_and_phases(watch: Watch) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    watch.rows()
    model(torch.ones(1, 2)).sum().backward()
    watch.observer.phase(events.PHASES.index("optimizer"))
    optimizer.step()
    watch.observer.phase(events.PHASES.index("other"))
    rows = {row.name: (row.phase, row.module) for row in watch.rows()}
    assert rows["aten::addmm"] == ("forward", "Linear")
    assert rows["aten::tanh"] == ("forward", "Tanh")
    assert rows["aten::tanh_backward"] == ("backward", "Tanh")
    assert rows["aten::_foreach_add_" if "aten::_foreach_add_" in rows else "aten::add_"] == ("optimizer", "")


def test_gradients_on_inside_an_optimizer_step_are_a_closure(watch: Watch) -> None:
    x = torch.ones(2, requires_grad=True)
    watch.observer.phase(events.PHASES.index("optimizer"))
    with torch.no_grad():
        x.cos()
    x.sin()
    rows = {row.name: row.phase for row in watch.rows()}
    assert (rows["aten::cos"], rows["aten::sin"]) == ("optimizer", "forward")


@pytest.mark.usefixtures("generators_restored")
def test_flags(watch: Watch) -> None:
    x = torch.rand(4)
    x.view(2, 2).t_()
    torch.empty(3)
    int(x.sum() * 0)
    flags = {row.name: (row.flags, row.kind) for row in watch.rows()}
    assert flags["aten::rand"] == (events.RANDOM, "op")
    assert flags["aten::view"] == (events.VIEW, "op")
    assert flags["aten::t_"] == (events.VIEW, "op")
    assert flags["aten::empty"] == (events.UNINITIALIZED, "op")
    assert flags["aten::_local_scalar_dense"] == (0, "read")


def test_views_and_fresh_memory_are_not_read(watch: Watch) -> None:
    torch.empty(5)
    torch.zeros(2, 3).t()
    rows = {row.name: row.digest for row in watch.rows()}
    assert rows["aten::empty"] == digest(torch.empty(5, device="meta"))
    assert rows["aten::t"] == digest(torch.empty(3, 2, device="meta"))


def test_reading_uninitialized_memory(watch: Watch) -> None:
    x, line = torch.empty(8), here()
    x + 1
    x[2:].zero_()
    x * 2
    x.fill_(3)
    x - 1
    rows = {row.name: row for row in watch.rows()}
    assert (rows["aten::add"].flags, rows["aten::add"].source) == (events.READS_UNINITIALIZED, line)
    assert rows["aten::mul"].flags == events.READS_UNINITIALIZED
    assert (rows["aten::fill_"].flags, rows["aten::sub"].flags, rows["aten::sub"].source) == (0, 0, 0)


def test_an_operation_that_returns_the_memory_it_was_given_reads_nothing(watch: Watch) -> None:
    library = torch.library.Library("samebits_tests", "FRAGMENT")
    library.define("keep(Tensor buffer) -> Tensor")
    library.impl("keep", lambda buffer: buffer, "CPU")
    torch.ops.samebits_tests.keep(torch.empty(4)).add(1)
    rows = {row.name: row.flags for row in watch.rows()}
    assert rows["samebits_tests::keep"] == events.VIEW
    assert rows["aten::add"] == 0


def test_uninitialized_memory_that_died_is_forgotten(watch: Watch) -> None:
    for _ in range(50):
        torch.empty(8)
    watch.rows()
    assert len(watch.observer._fresh) == 0


def test_out_arguments_are_only_written(watch: Watch) -> None:
    out = torch.empty(3)
    torch.add(torch.ones(3), 1, out=out)
    out + 1
    assert [row.flags for row in watch.named("add")] == [0, 0]


@pytest.mark.usefixtures("generators_restored")
def test_zoom_digests_inputs_and_generators(watch: Watch) -> None:
    def once(value: float) -> list[Row]:
        torch.manual_seed(1)
        x = torch.full((3,), value)
        x.exp(), torch.bernoulli(torch.full((2,), 0.5)), torch.rand(2)
        return [row for row in watch.rows() if row.name in ("aten::exp", "aten::bernoulli", "aten::rand")]

    assert all(row.inputs == row.generator == 0 for row in once(0.0))
    watch.observer.zoom(True, 0)
    a, b = once(1.0), once(2.0)
    assert a[0].inputs != b[0].inputs
    assert a[0].generator == 0
    assert a[1:] == b[1:]
    assert len({row.generator for row in a[1:]}) == 2  # the second draw finds the generator moved


def test_capture_keeps_outputs_within_the_budget(watch: Watch) -> None:
    watch.observer.zoom(True, 100)
    start = watch.observer.position()
    x = torch.arange(4, dtype=torch.int16).view(2, 2).t() * 3
    torch.zeros(1000)
    rows = watch.observer.captured()
    assert watch.observer.captured() == []
    assert rows[-1] == (0, start + 3, 0, 2, (2, 2), bytes(array("h", [0, 6, 3, 9])))
    assert x.tolist() == [[0, 6], [3, 9]]


def test_what_python_pushes(watch: Watch) -> None:
    observed = watch.observer
    name = observed.intern("batch")
    kinds = {kind: events.KINDS.index(kind) for kind in ("batch", "generator")}
    observed.push_tensors(kinds["batch"], [name, name], [torch.ones(2), None], -1, 1)
    line = here() - 1
    observed.push(kinds["generator"], observed.intern("python"), 7, observed.site_of("f.py", 5, "g"), 0, 0)
    ones, batch, unread, generator = watch.rows()
    assert ones.name == "aten::ones"
    assert (batch.digest, batch.line, batch.phase, batch.flags) == (digest(torch.ones(2)), line, "data", 0)
    assert (unread.digest, unread.flags) == (0, events.PARTIAL)
    assert (generator.digest, generator.line, generator.name) == (7, 5, "python")
    with pytest.raises(ValueError, match="names and tensors differ in length"):
        observed.push_tensors(kinds["batch"], [name], [], -1, 1)


def test_suspended_nothing_is_observed(watch: Watch) -> None:
    assert watch.observer.suspend() == 1
    torch.ones(3)
    assert watch.observer.resume() == 0
    assert watch.rows() == []


def test_positions_go_on_over_drains(watch: Watch) -> None:
    torch.ones(3)
    torch.ones(3)
    assert watch.observer.position() == 2
    watch.rows()
    torch.ones(3)
    assert watch.observer.position() == 3
    assert [chunk[1:3] for chunk in watch.observer.drain()] == [(2, 1)]


def test_a_thread_has_a_stream_of_its_own(watch: Watch) -> None:
    def run() -> None:
        watch.observer.push_tensors(0, [watch.observer.intern("x")], [torch.ones(1)], -1, -1)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert [row.name for row in watch.rows(thread=1)] == ["x"]


def test_after_a_fork_the_record_begins_anew(watch: Watch) -> None:
    torch.ones(3)
    watch.rows()
    torch.ones(3)
    watch.observer.after_fork()
    torch.zeros(3)
    assert watch.observer.position() == 1
    names, _ = watch.observer.tables()
    assert (1, "aten::ones") in names  # all names, for a writer that has none of them


class Passing(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def test_operations_off_below_a_mode_of_the_user() -> None:
    watch = Watch()
    watch.observer.operations(True)
    with Passing():
        torch.ones(1)
        watch.observer.operations(False)
        torch.zeros(1)
    torch.zeros(1)
    assert [row.name for row in watch.rows()] == ["aten::ones"]
    watch.observer.operations(False)  # now it can leave the stack
    assert torch.utils._python_dispatch._get_current_dispatch_mode() is None


def test_an_operation_that_raises_is_no_event(watch: Watch) -> None:
    x = torch.ones(2, 3)
    with pytest.raises(RuntimeError):
        torch.mm(x, x)
    assert [row.name for row in watch.rows()] == ["aten::ones"]


@pytest.mark.parametrize("method", ["before", "after"])
def test_what_cannot_be_observed_is_left_unread(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(watch.observer, method, broken)
    assert torch.ones(3).tolist() == [1, 1, 1]
    row = watch.rows()[0]
    assert (row.name, row.flags, row.digest) == ("aten::ones", events.PARTIAL, 0)


def test_control_flow_operators_run(watch: Watch) -> None:
    def more(x: torch.Tensor) -> torch.Tensor:
        return x + 1

    def less(x: torch.Tensor) -> torch.Tensor:
        return x - 1

    x = torch.zeros(2)
    assert torch.func.vmap(more)(x).tolist() == [1, 1]
    assert torch.func.grad(lambda x: more(x).sum())(x).tolist() == [1, 1]
    assert "aten::add" in {row.name for row in watch.rows()}


def test_compile_stays_on(watch: Watch) -> None:
    graphs: list[Any] = []

    def backend(graph: Any, inputs: Any) -> Callable[..., Any]:
        graphs.append(graph)
        forward: Callable[..., Any] = graph.forward
        return forward

    torch._dynamo.reset()
    try:
        assert torch.compile(lambda x: x.sin().cos(), backend=backend)(torch.zeros(2)).tolist() == [1, 1]
    finally:
        torch._dynamo.reset()
    assert len(graphs) == 1


def test_code_of_a_text_is_where_its_loader_says(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_codes", {})
    example = compile("\nx.trunc()", "<doctest mine[0]>", "exec")
    texts.keep(example, texts.TextPlace("mine.py", 40))
    exec(example, {"x": torch.ones(3)})
    _, sites = watch.observer.tables()
    assert [(file, line) for _, file, line, _ in sites if file == "mine.py"] == [("mine.py", 42)]


def test_tensors_without_bytes(watch: Watch) -> None:
    torch.ones(3, device="meta").add(1)
    torch.eye(3).to_sparse().coalesce()
    nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged)
    nested.sin()
    assert not [row for row in watch.rows() if row.flags & events.PARTIAL]


PARITY = """
import json, os, sys, sysconfig
import torch
from array import array
from torch import nn
from samebits.observe import fallback
from samebits.observe import observer
from samebits.usercode import texts

def script():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(3):
        loss = torch.nn.functional.cross_entropy(model(torch.randn(5, 6)), torch.randint(2, (5,)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

def run(observed):
    names = {0: ""}
    here = os.path.dirname(os.path.dirname(os.path.abspath(observer.__file__))) + os.sep
    libraries = [os.path.dirname(torch.__file__) + os.sep, here]
    observed.setup(libraries, [sysconfig.get_paths()["purelib"] + os.sep],
                   nn.Module._call_impl.__code__, lambda module: type(module).__name__,
                   texts.place, lambda: None)
    observed.operations(True)
    script()
    observed.operations(False)
    [row] = [row for row in observed.drain() if row[0] == 0]
    n, s = observed.tables()
    names.update(n)
    lines = {0: 0} | {i: line for i, _, line, _ in s}
    _, _, _, kind, phase, flags, name, site, module, node, digests, *_ = row
    columns = (array("B", kind), array("B", phase), array("B", flags), [names[i] for i in array("I", name)],
               [lines[i] for i in array("I", site)], [names[i] for i in array("I", module)],
               [names[i] for i in array("I", node)], array("Q", digests))
    shared = {"aten::addmm", "aten::relu", "aten::mm", "aten::threshold_backward", "aten::_log_softmax",
              "aten::nll_loss_forward", "aten::nll_loss_backward", "aten::_log_softmax_backward_data",
              "aten::native_dropout_backward", "aten::_foreach_add_", "aten::_foreach_mul_"}
    return [event for event in zip(*columns) if event[3] in shared]

script()  # the first time, torch fills caches
print(json.dumps([run(observer.load()), run(fallback.module())]))
"""


@pytest.mark.slow
def test_events_are_those_of_the_native_observer() -> None:
    if getattr(observer.load(), "__file__", None) is None:
        pytest.skip("there is no native observer on this machine")
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run([sys.executable, "-c", PARITY], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    native, python = json.loads(done.stdout)
    assert len(native) >= 3 * 8
    assert python == native


DIVERGING = """
import torch
torch.manual_seed(0)
torch.set_num_threads(2)
table = torch.nn.Parameter(torch.randn(8, 256))
optimizer = torch.optim.Adam([table])
for step in range(3):
    rows = table[torch.randint(8, (20000,))]
    loss = (rows * torch.randn(20000, 256)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

CLEAN = """
import torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Dropout(0.1), torch.nn.Linear(8, 1))
optimizer = torch.optim.AdamW(model.parameters())
data = torch.utils.data.TensorDataset(torch.randn(32, 8), torch.randn(32, 1))
if __name__ == "__main__":
    for x, y in torch.utils.data.DataLoader(data, batch_size=8, shuffle=True, num_workers=1):
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with open("weights.txt", "a") as file:
        print([p.sum().item() for p in model.parameters()], file=file)
"""


def verify(tmp_path: Path, script: str) -> tuple[int, dict[str, Any]]:
    (tmp_path / "train.py").write_text(script)
    command = [
        sys.executable,
        "-m",
        "samebits",
        "verify",
        "--level",
        "op",
        "--json",
        "verdict.json",
        "train.py",
    ]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "SAMEBITS_OBSERVER": "python"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    return done.returncode, json.loads((tmp_path / "verdict.json").read_text())


@pytest.mark.slow
@pytest.mark.deep  # its quick forms: a clean script, and the events of the native observer
def test_a_diverging_script_end_to_end(tmp_path: Path) -> None:
    code, verdict = verify(tmp_path, DIVERGING)
    assert (code, verdict["verdict"]) == (1, "diverged")
    first = verdict["first"]
    assert (first["op"], first["phase"], first["line"]) == ("aten::index_put", "backward", 8)
    assert verdict["causes"][0]["name"] == "nondeterministic-kernel"
    assert verdict["causes"][0]["line"] == 8


@pytest.mark.slow
def test_a_clean_script_end_to_end(tmp_path: Path) -> None:
    code, verdict = verify(tmp_path, CLEAN)
    assert (code, verdict["verdict"]) == (0, "same")
    subprocess.run([sys.executable, "train.py"], cwd=tmp_path, check=True)
    weights = (tmp_path / "weights.txt").read_text().splitlines()
    assert len(weights) == 3
    assert len(set(weights)) == 1  # observing changes no bit
