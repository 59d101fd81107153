"""A captured state continues bit for bit in a new process; a doubtful one is refused and changes nothing."""

from __future__ import annotations

import copy
import gc
import io
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from samebits import errors
from samebits.seeding import adapters, checksum, ranks, registry, state
from samebits.seeding.registry import register, unregister
from samebits.seeding.state import StateError, capture_rng, restore_rng

from .conftest import FakeModule
from .kinds import MAKE, draws, process_draws

pytestmark = pytest.mark.usefixtures("generators_restored", "nothing_registered")


@pytest.fixture
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})


def through_a_file(value: Any) -> Any:
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def owners() -> dict[str, Any]:
    """One of every kind."""
    return {kind.replace(" ", "_").replace(".", "_"): make(7) for kind, make in MAKE.items()}


def everything(own: dict[str, Any]) -> list[Any]:
    return [process_draws(), *map(draws, own.values())]


def stands(own: dict[str, Any]) -> Any:
    """Where everything stands, without moving it."""
    held = [*adapters.process_wide().values(), *map(adapters.adapter_of, own.values())]
    return [checksum.checksum(adapter.capture()) for adapter in held if adapter is not None]


def resigned(captured: dict[str, Any]) -> dict[str, Any]:
    """With a checksum that fits, as if it had been captured so."""
    content = {name: value for name, value in captured.items() if name != "checksum"}
    return {**content, "checksum": checksum.checksum(content)}


@pytest.fixture
def refused() -> Iterator[Any]:
    """A function: restoring is refused with these words and nothing moves."""

    def ask(captured: Any, *says: str, **own: Any) -> str:
        before = stands(own)
        with pytest.raises(StateError) as caught:
            restore_rng(captured, **own)
        assert stands(own) == before
        text = str(caught.value)
        for part in says:
            assert part in text
        assert text.startswith("restore_rng: ")
        return text

    return ask


def test_everything_continues() -> None:
    """Also the program's own generators, which no peer saves; and weights_only, see transformers#40500."""
    own = owners()
    everything(own)
    captured = through_a_file({"rng": capture_rng(**own), "epoch": 3})["rng"]
    expected = everything(own)
    assert everything(own) != expected
    done = restore_rng(captured, **own)
    assert everything(own) == expected
    assert done.restored == ("python", "numpy", "torch:cpu", *own)
    assert (done.missing, done.extra) == ((), ())
    assert str(done) == f"{3 + len(own)} generators restored"


PROGRAM = """
import sys, random
import numpy as np, torch
from samebits.seeding.registry import register
from samebits.seeding.state import capture_rng, restore_rng

class Dataset(torch.utils.data.Dataset):
    def __init__(self, seed):
        self.rng = np.random.Generator(np.random.Philox(seed))
    def __len__(self):
        return 12
    def __getitem__(self, index):
        return index + self.rng.random() + random.random() + np.random.randn()

def train(loader, model, steps):
    for _ in range(steps):
        for batch in loader:
            noise.standard_normal()
            print(batch.tolist(), torch.dropout(torch.ones(4), 0.5, True).tolist(), float(torch.randn(())))
        yield

noise = np.random.RandomState(5)
unfound = {random.Random(8)}
(one,) = unfound
register("unfound", one)
del one

def main(path, mode):
    seed = 1 if mode == "whole" else 2  # a resumed process is seeded otherwise: the state says it all
    random.seed(seed), np.random.seed(seed), torch.manual_seed(seed)
    loader = torch.utils.data.DataLoader(
        Dataset(seed), batch_size=5, shuffle=True, generator=torch.Generator().manual_seed(seed))
    if mode == "whole":
        list(train(loader, None, 2))
        torch.save({"rng": capture_rng(), "by_name": capture_rng(loader=loader, noise=noise)}, path)
    else:
        saved = torch.load(path, weights_only=True)
        if mode == "found":
            restore_rng(saved["rng"])
        else:
            restore_rng(saved["by_name"], loader=loader, noise=noise)
    print("RESUMED")
    list(train(loader, None, 2))

if __name__ == "__main__":
    main(*sys.argv[1:])
"""


def test_a_new_process_continues_bit_for_bit(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)

    def run(mode: str) -> str:
        command = [sys.executable, "program.py", "state.pt", mode]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.partition("RESUMED")[2]

    whole = run("whole")
    assert len(whole.splitlines()) == 7
    assert run("found") == whole
    assert run("named") == whole


@given(
    seed=st.integers(0, 2**32 - 1), moves=st.lists(st.sampled_from(["torch", "numpy", "python"]), max_size=9)
)
def test_wherever_they_stand(seed: int, moves: list[str]) -> None:
    random.seed(seed), np.random.seed(seed), torch.manual_seed(seed)
    for move in moves:
        {"torch": lambda: torch.randn(3), "numpy": np.random.randn, "python": random.random}[move]()
    captured = through_a_file(capture_rng(none=None))
    expected = process_draws()
    restore_rng(captured, none=None)
    assert process_draws() == expected


def test_what_is_captured_is_plain_and_nobody_elses() -> None:
    own = owners()
    captured = capture_rng(**own)
    kept = copy.deepcopy(captured)
    everything(own)
    restore_rng(captured, **own)
    everything(own)
    assert checksum.checksum(captured) == checksum.checksum(kept)
    assert captured["checksum"] == kept["checksum"]

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            assert type(value) is dict
            for part in value.values():
                walk(part)
        elif isinstance(value, list):
            for part in value:
                walk(part)
        else:
            assert type(value) in (str, int, float, type(None), torch.Tensor)

    walk(captured)
    assert captured["made_with"]["torch"] == torch.__version__


def test_a_framework_may_rebuild_the_containers() -> None:
    def rebuilt(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: rebuilt(value[name]) for name in sorted(value, reverse=True)}
        return tuple(map(rebuilt, value)) if isinstance(value, list) else value

    own = owners()
    captured = capture_rng(**own)
    expected = everything(own)
    restore_rng(rebuilt(captured), **own)
    assert everything(own) == expected


# All or nothing


@pytest.mark.parametrize("position", range(3 + len(MAKE)))
@pytest.mark.parametrize("when", ["before", "after"])
def test_one_that_fails_puts_all_back(
    position: int, when: str, monkeypatch: pytest.MonkeyPatch, refused: Any
) -> None:
    own = owners()
    captured = capture_rng(**own)
    everything(own)
    made = registry.all_generators

    def failing(*args: Any) -> Any:
        present = made(*args)
        adapter, restore = present[position].adapter, present[position].adapter.restore

        def fail(wanted: Any) -> None:
            if when == "after":
                restore(wanted)
            raise OSError("the device is gone")

        object.__setattr__(adapter, "restore", fail)
        return present

    monkeypatch.setattr(state, "all_generators", failing)
    name = ("python", "numpy", "torch:cpu", *own)[position]
    refused(captured, f"setting {name} failed (the device is gone), and nothing was changed", **own)


@pytest.mark.parametrize("position", range(3 + len(MAKE)))
def test_one_that_does_not_fit_changes_none(position: int, refused: Any) -> None:
    own = owners()
    captured = capture_rng(**own)
    name = ("python", "numpy", "torch:cpu", *own)[position]
    section = "process" if position < 3 else "found"
    captured[section][name]["kind"] = "np.random.Generator(Other)"
    everything(own)
    refused(resigned(captured), f"{name}: the state is of a np.random.Generator(Other), here it is a ", **own)


def test_a_state_of_another_size_changes_none(refused: Any) -> None:
    own = owners()
    captured = capture_rng(**own)
    captured["found"]["torch_Generator"]["state"]["state"] = torch.zeros(5048, dtype=torch.uint8)
    refused(resigned(captured), "torch_Generator: expected a tensor of uint8 of shape (5056,)", **own)


def test_an_interrupt_puts_all_back(monkeypatch: pytest.MonkeyPatch) -> None:
    own = owners()
    captured = capture_rng(**own)
    everything(own)
    before = stands(own)

    def interrupted(self: Any, wanted: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(adapters._NumpyLegacy, "restore", interrupted)
    with pytest.raises(KeyboardInterrupt):
        restore_rng(captured, **own)
    monkeypatch.undo()
    assert stands(own) == before


# Damage


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list) and value:
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from leaves(value[key], (*path, key))
    else:
        yield path


def put(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


def flipped(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("0" if value[-1:] != "0" else "1")
    return {int: lambda: value + 1, float: lambda: -value, list: lambda: ["x"], dict: lambda: {"x": 1}}.get(
        type(value), lambda: 0.5
    )()


def test_every_field_changed_or_lost_is_refused(refused: Any) -> None:
    own = owners()
    random.gauss(0, 1)
    captured = through_a_file(capture_rng(**own))
    paths = list(leaves(captured))
    assert len(paths) > 100
    for path in paths:
        damaged = copy.deepcopy(captured)
        value: Any = damaged
        for key in path:
            value = value[key]
        put(damaged, path, flipped(value))
        refused(damaged, **own)
        lost = copy.deepcopy(captured)
        value = lost
        for key in path[:-1]:
            value = value[key]
        del value[path[-1]]
        refused(lost, **own)


@given(data=st.data())
def test_any_bit_of_any_tensor(data: st.DataObject) -> None:
    own = {"rng": np.random.default_rng(1), "generator": torch.Generator()}
    captured = capture_rng(**own)
    tensors = [
        captured["process"][name]["state"][part]
        for name, part in (("python", "words"), ("torch:cpu", "state"))
    ]
    tensors.append(captured["process"]["numpy"]["state"]["bits"]["state"]["key"])
    tensors.append(captured["found"]["generator"]["state"]["state"])
    content = data.draw(st.sampled_from(tensors)).view(torch.uint8)
    content[data.draw(st.integers(0, content.numel() - 1))] ^= 1 << data.draw(st.integers(0, 7))
    before = stands(own)
    with pytest.raises(StateError, match="the state is damaged"):
        restore_rng(captured, **own)
    assert stands(own) == before


def test_a_precision_cast_of_the_checkpoint_is_damage(refused: Any) -> None:
    captured = capture_rng(none=None)
    put(
        captured,
        ("process", "torch:cpu", "state", "state"),
        captured["process"]["torch:cpu"]["state"]["state"].half(),
    )
    refused(captured, "the state is damaged", "use an intact checkpoint", none=None)


@pytest.mark.parametrize(
    "given_", [None, 5, "state", [], {}, {"model": 1}, {"format": "other"}, torch.zeros(5056)]
)
def test_not_a_state_at_all(given_: Any, refused: Any) -> None:
    """accelerate's load_state goes on without a word, see accelerate#4283."""
    refused(given_, "expected what capture_rng returned, got a ", "the part of the checkpoint")


def test_the_whole_checkpoint_instead_of_its_part_names_its_keys(refused: Any) -> None:
    refused({"model": 1, "rng": capture_rng()}, "got a dict with the keys 'model', 'rng'; pass the part")


def test_a_newer_format(refused: Any) -> None:
    captured = capture_rng(none=None)
    newer = resigned({**captured, "version": 2})
    refused(newer, "the state has format 2, this samebits reads up to 1", "upgrade samebits", none=None)


@pytest.mark.parametrize("version", [0, -1, True, "1", 1.0, None])
def test_no_version(version: Any, refused: Any) -> None:
    refused(resigned({**capture_rng(none=None), "version": version}), "damaged", none=None)


@pytest.mark.parametrize("section", ["process", "registered", "found", "owners", "rank"])
def test_a_signed_state_without_a_section(section: str, refused: Any) -> None:
    captured = capture_rng(none=None)
    del captured[section]
    refused(resigned(captured), "damaged", none=None)


# Another place


@pytest.mark.parametrize(
    ("here", "says"),
    [
        ((1, 2), "of rank 0 of 2, this process is rank 1 of 2 (RANK)"),
        ((0, 4), "of rank 0 of 2, this process is rank 0 of 4 (RANK)"),
        ((0, 1), "of rank 0 of 2, this process is rank 0 of 1 (RANK)"),
    ],
)
def test_another_rank_or_world_size(
    here: tuple[int, int], says: str, monkeypatch: pytest.MonkeyPatch, refused: Any
) -> None:
    monkeypatch.setattr(state, "place", lambda: ranks.RankPlace(0, 2, "RANK"))
    captured = capture_rng(none=None)
    monkeypatch.setattr(state, "place", lambda: ranks.RankPlace(*here, "RANK"))
    refused(captured, says, "Save one state a rank", none=None)
    before = stands({})
    process = ("python", "numpy", "torch:cpu")
    expected = process_draws()
    moved = stands({})
    done = restore_rng(captured, strict=False, none=None)
    if here[0] == 0:
        assert (done.restored, stands({})) == (process, before)
        assert process_draws() == expected
    else:  # else all ranks would draw alike
        assert (done.restored, done.missing, stands({})) == ((), process, moved)


def test_before_the_ranks_know_each_other(monkeypatch: pytest.MonkeyPatch, refused: Any) -> None:
    monkeypatch.setattr(state, "place", lambda: ranks.RankPlace(1, 2, "torch.distributed"))
    captured = capture_rng(none=None)
    monkeypatch.setattr(state, "place", lambda: ranks.RankPlace(0, 1, "alone"))
    text = refused(captured, "Call torch.distributed.init_process_group before", none=None)
    assert "torch.distributed.all_gather_object(states, capture_rng())" in text
    assert "strict=False" not in text


# Missing and extra


def test_missing_and_extra_are_named(refused: Any) -> None:
    one, two, three = random.Random(1), random.Random(2), random.Random(3)
    captured = capture_rng(own={"a": one, "b": two})
    text = refused(captured, own={"a": one})
    assert "this process lacks own['b']" in text
    assert "pass strict=False" in text
    assert "the state lacks own['c']" in refused(captured, own={"a": one, "b": two, "c": three})
    both = refused(captured, own={"a": one, "c": three})
    assert "this process lacks own['b']; the state lacks own['c']" in both


def test_not_strict_restores_what_matches_and_reports_the_rest() -> None:
    one, two, three = random.Random(1), random.Random(2), random.Random(3)
    captured = capture_rng(own={"a": one, "b": two})
    expected = one.random()
    before = three.getstate()
    done = restore_rng(captured, strict=False, own={"a": one, "c": three})
    assert one.random() == expected
    assert three.getstate() == before
    assert done.restored == ("python", "numpy", "torch:cpu", "own['a']")
    assert (done.missing, done.extra) == (("own['b']",), ("own['c']",))
    assert str(done) == "4 generators restored; missing: own['b']; not in the state: own['c']"


def test_not_strict_still_refuses_damage_and_other_kinds(refused: Any) -> None:
    captured = capture_rng(own=random.Random(1))
    with pytest.raises(StateError, match="here it is a torch"):
        restore_rng(captured, strict=False, own=torch.Generator())
    captured["rank"] = 1
    with pytest.raises(StateError, match="damaged"):
        restore_rng(captured, strict=False, own=random.Random(1))


def test_other_owners(refused: Any) -> None:
    rng = random.Random(1)
    captured = capture_rng(rng=rng)
    refused(captured, "captured by capture_rng(rng), and is restored with (); name the same owners")
    refused(captured, "restored with (other)", other=rng)


def test_strict_is_no_owner() -> None:
    with pytest.raises(TypeError, match="strict must be True or False, got Random"):
        restore_rng(capture_rng(), strict=random.Random(1))  # type: ignore[arg-type]


def test_an_owner_may_be_called_state() -> None:
    rng = random.Random(1)
    captured = capture_rng(state=rng)
    first = rng.random()
    restore_rng(captured, state=rng)
    assert rng.random() == first


def test_found_under_an_alias_it_still_matches() -> None:
    def loader() -> DataLoader[Any]:
        return DataLoader(
            TensorDataset(torch.arange(4)), shuffle=True, generator=torch.Generator().manual_seed(3)
        )

    saving = loader()
    captured = capture_rng(loader=saving)
    expected = draws(saving.generator)
    assert list(captured["found"]) == ["loader.generator"]
    resuming = loader()
    resuming.generator = None  # its sampler holds it still
    restore_rng(captured, loader=resuming)
    assert draws(resuming.sampler.generator) == expected  # type: ignore[attr-defined]


def test_one_that_became_two_is_refused(refused: Any) -> None:
    shared = random.Random(1)
    captured = capture_rng(own=[shared, shared])
    assert captured["found"]["own[0]"]["aliases"] == ["own[1]"]
    refused(
        captured, "the state's own[0] may be own[0] or own[1] here", own=[random.Random(1), random.Random(1)]
    )


def test_two_that_became_one_are_refused(refused: Any) -> None:
    shared = random.Random(1)
    captured = capture_rng(own=[random.Random(1), random.Random(1)])
    refused(captured, "own[0] here may be the state's own[0] or own[1]", own=[shared, shared])


def test_several_in_a_set_have_no_names() -> None:
    with pytest.raises(StateError, match=r"own\{\} names more than one generator, as in a set"):
        capture_rng(own={random.Random(1), random.Random(2)})
    assert list(capture_rng(own={random.Random(1)})["found"]) == ["own{}"]


def test_variables_exchanged_since_do_not_exchange_what_they_held() -> None:
    gens = [random.Random(1), random.Random(2)]
    front, back = gens
    captured = capture_rng()
    expected = [one.random() for one in gens]
    front, back = back, front
    restore_rng(captured)
    assert [one.random() for one in gens] == expected
    assert (front, back) == (gens[1], gens[0])


def test_a_loops_variable_is_no_name_of_its_own() -> None:
    gens = {"noise": random.Random(1), "shuffle": random.Random(2)}
    for one in gens.values():
        one.random()
        captured = capture_rng()
    del one
    expected = [one.random() for one in gens.values()]
    restore_rng(captured)
    assert [one.random() for one in gens.values()] == expected


def test_a_variable_does_not_pair_what_paths_hold_apart() -> None:
    def saved() -> Any:
        gens = {"a": random.Random(1)}
        return capture_or_restore(gens["a"], gens)

    def resumed() -> Any:
        gens = {"b": random.Random(2)}
        return capture_or_restore(gens["b"], gens)

    captured: Any = None

    def capture_or_restore(one: random.Random, gens: dict[str, Any]) -> Any:
        return capture_rng() if captured is None else restore_rng(captured, strict=strict)

    strict = True
    captured = saved()
    with pytest.raises(
        StateError, match=r"capture_or_restore.one is .*\['a'\] in the state and .*\['b'\] here"
    ):
        resumed()
    strict = False
    assert not [name for name in resumed().restored if name.endswith((".one", "['a']", "['b']"))]


PLACES = """
import random, sys
from samebits.seeding import capture_rng, restore_rng

def evaluate(call):
    g = random.Random(1)
    return call()

state = evaluate(capture_rng)
try:
    restore_rng(state)
except ValueError as error:
    print(error)
evaluate(lambda: restore_rng(state))
print(restore_rng(state, strict=False).missing)
"""


def test_a_local_variable_of_a_function_that_does_not_run() -> None:
    done = subprocess.run([sys.executable, "-c", PLACES], capture_output=True, text=True, check=True)
    assert (
        "this process lacks __main__.evaluate.g. __main__.evaluate.g is in a local variable of evaluate(): "
        "restore inside that function after it is made; or if it is seeded anew at each call, it needs no "
        "state: pass strict=False; for new checkpoints name" in done.stdout
    )
    assert done.stdout.endswith("('__main__.evaluate.g',)\n")


NAMED_LATER = """
import random
from types import SimpleNamespace
from samebits.seeding import capture_rng, restore_rng

def saving():
    loader = SimpleNamespace(rng=random.Random(1))
    return capture_rng(), loader.rng.random()

def two():
    loader = SimpleNamespace(rng=random.Random(1))
    other = SimpleNamespace(loader=SimpleNamespace(rng=random.Random(2)))
    return capture_rng()

state, expected = saving()
loader = SimpleNamespace(rng=random.Random(9))
restore_rng(state, loader=loader)
assert loader.rng.random() == expected
state, before = two(), loader.rng.getstate()
try:
    restore_rng(state, loader=loader)
except ValueError as error:
    print(error)
assert loader.rng.getstate() == before
"""


def test_a_state_captured_without_owners_restores_into_owners() -> None:
    done = subprocess.run([sys.executable, "-c", NAMED_LATER], capture_output=True, text=True, check=True)
    says = (
        "loader.rng here may be the state's __main__.loader.rng or __main__.two.loader.rng or __main__.two."
    )
    assert says in done.stdout


def test_strict_names_no_owner_of_a_capture() -> None:
    with pytest.raises(ValueError, match="capture_rng: an owner cannot be named strict"):
        capture_rng(strict=random.Random(1))


# Registered ones


def test_registered_generators_are_captured_with_and_without_owners() -> None:
    rng, noise = np.random.default_rng(1), random.Random(1)
    register("noise", rng)
    register("shuffle", noise)
    for own in ({}, {"none": None}):
        captured = capture_rng(**own)
        assert list(captured["registered"]) == ["noise", "shuffle"]
        expected = rng.random(), noise.random()
        restore_rng(captured, **own)
        assert (rng.random(), noise.random()) == expected


def test_a_registered_one_is_not_found_again_and_the_process_wide_ones_are_no_others() -> None:
    rng = random.Random(1)
    register("noise", rng)
    register("again", rng)
    register("default", torch.default_generator)
    captured = capture_rng(rng=rng)
    assert captured["found"] == {}
    assert captured["registered"]["noise"]["aliases"] == ["again"]
    assert list(captured["registered"]) == ["noise"]


def test_a_taken_name_is_refused() -> None:
    rng = random.Random(1)
    register("noise", rng)
    register("noise", rng)
    with pytest.raises(
        ValueError, match=r"the name 'noise' is another generator's \(random.Random\); choose"
    ):
        register("noise", random.Random(1))
    unregister("noise")
    register("noise", other := random.Random(1))
    assert list(registry.registered()) == ["noise"]
    del other


def test_registered_ones_are_held_weakly() -> None:
    rng, generator = random.Random(1), torch.Generator()
    register("noise", rng)
    if torch.Generator.__weakrefoffset__:  # in torch 2.11 it has none, and is held
        register("generator", generator)
    del rng, generator
    gc.collect()
    assert registry.registered() == {}
    with pytest.raises(ValueError, match="no generator is registered as 'noise'; registered: none"):
        unregister("noise")


@pytest.mark.parametrize(
    ("name", "thing"), [("", random.Random(1)), (5, random.Random(1)), ("a", 5), ("a", random)]
)
def test_what_cannot_be_registered(name: Any, thing: Any) -> None:
    with pytest.raises(TypeError, match="register: "):
        register(name, thing)
    assert registry.registered() == {}


# Accelerators, over a stand-in: the order of things, not a device


def test_capturing_does_not_initialise_and_restoring_does(fake: FakeModule, refused: Any) -> None:
    early = capture_rng(none=None)
    assert not fake.ready
    fake.init()
    captured = capture_rng(none=None)
    expected = draws(fake.default_generators[1])
    text = refused(early, none=None)
    assert "the state lacks torch:fake:0, torch:fake:1. The accelerator was not in use" in text
    fake.ready = False
    restore_rng(captured, none=None)
    assert fake.ready
    assert draws(fake.default_generators[1]) == expected


def test_a_devices_own_generator_is_not_found_again(fake: FakeModule) -> None:
    fake.init()
    assert capture_rng(held=fake.default_generators)["found"] == {}


def test_fewer_devices(fake: FakeModule, refused: Any) -> None:
    fake.init()
    captured = capture_rng(none=None)
    fake.devices = 1
    fake.init()
    refused(captured, "this process lacks torch:fake:1. Run on as many devices", none=None)


def test_no_accelerator(fake: FakeModule, monkeypatch: pytest.MonkeyPatch, refused: Any) -> None:
    fake.init()
    captured = capture_rng(none=None)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: None)
    refused(captured, "this process lacks torch:fake:0, torch:fake:1", "with its accelerator", none=None)


def test_a_device_that_fails_puts_all_back(
    fake: FakeModule, monkeypatch: pytest.MonkeyPatch, refused: Any
) -> None:
    fake.init()
    captured = capture_rng(none=None)
    process_draws()
    set_state = fake.set_rng_state

    def fails(wanted: torch.Tensor, device: int) -> None:
        if device == 1 and torch.equal(wanted, captured["process"]["torch:fake:1"]["state"]["state"]):
            raise RuntimeError("device lost")
        set_state(wanted, device)

    draws(fake.default_generators[1])
    monkeypatch.setattr(fake, "set_rng_state", fails)
    refused(captured, "setting torch:fake:1 failed (device lost), and nothing was changed", none=None)


def test_the_error_is_one_of_samebits_and_a_value_error() -> None:
    assert issubclass(StateError, errors.SamebitsError)
    assert issubclass(StateError, ValueError)
