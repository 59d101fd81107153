"""The package as a whole: what importing it costs, what it offers, and which rooms need no torch."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import samebits

PUBLIC = [
    "DeterminismError",
    "Key",
    "LaunchError",
    "RecordError",
    "Run",
    "SamebitsError",
    "Seeded",
    "StateError",
    "Streams",
    "UsageError",
    "Verdict",
    "__version__",
    "capture_rng",
    "deterministic",
    "ensure_hash_seed",
    "isolated",
    "preserved",
    "restore_rng",
    "seed_everything",
    "verify",
]

#: The public names of the rooms that a training script imports.
ROOMS = {
    "samebits.seeding": [
        "HashSeedWarning", "Key", "Restored", "SEED_LIMIT", "Seeded", "Streams", "capture_rng", "discover",
        "ensure_hash_seed", "isolated", "preserved", "register", "register_library", "restore_rng",
        "seed_everything", "unregister",
    ],
    "samebits.random": [
        "bernoulli", "beta", "binomial", "bits", "categorical", "cauchy", "choice", "dirichlet", "dropout",
        "everywhere", "exponential", "fold_in", "gamma", "geometric", "get_state", "key", "log_normal",
        "multinomial", "normal", "permutation", "poisson", "randint", "scope", "set_state", "split",
        "truncated_normal", "uniform",
    ],
    "samebits.data": ["ResumableSampler", "SampleSeeded", "SeededLoader", "loader_kwargs"],
    "samebits.compat": [
        "deterministic_index_select", "get_rank", "seed_everything", "seed_reproducer", "seed_worker",
        "setup_seed", "worker_init_fn",
    ],
}  # fmt: skip

#: What a laptop needs to read a cluster's record.
WITHOUT_TORCH = [
    "samebits.causes",
    "samebits.cli",
    "samebits.compare",
    "samebits.errors",
    "samebits.launch",
    "samebits.manifest",
    "samebits.record.reader",
    "samebits.record.run",
    "samebits.report",
]


def test_public_names() -> None:
    assert sorted(samebits.__all__) == PUBLIC
    assert dir(samebits) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_exist(name: str) -> None:
    assert getattr(samebits, name) is not None


@pytest.mark.parametrize("room", ROOMS)
def test_public_names_of_a_room(room: str) -> None:
    module = importlib.import_module(room)
    assert sorted(module.__all__) == sorted(ROOMS[room])
    for name in ROOMS[room]:
        assert getattr(module, name) is not None


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'samebits' has no attribute 'train'"):
        samebits.train  # noqa: B018


def test_a_room_is_never_hidden_by_a_public_name() -> None:
    rooms = {module.name for module in pkgutil.iter_modules(samebits.__path__)}
    assert not rooms & set(samebits.__all__)


def test_version_is_the_installed_one() -> None:
    from importlib.metadata import version

    assert version("samebits") == samebits.__version__


def loaded_by(program: str) -> set[str]:
    """The modules a fresh interpreter holds after the program."""
    words = [sys.executable, "-c", f"{program}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"]
    return set(json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout))


def test_importing_costs_nothing() -> None:
    heavy = {"torch", "numpy", "rich", "click", "sqlite3", "xxhash", "subprocess"}
    assert not loaded_by("import samebits") & heavy


def test_help_is_quick() -> None:
    program = (
        "import contextlib, io\nfrom samebits.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main(['--help'])"
    )
    assert not loaded_by(program) & {
        "torch",
        "numpy",
        "rich",
        "sqlite3",
        "samebits.launch",
        "samebits.compare",
    }


@pytest.mark.parametrize("room", WITHOUT_TORCH)
def test_needs_no_torch(room: str) -> None:
    """Every file of the room, in an interpreter in which torch and numpy cannot be imported."""
    module = importlib.import_module(room)
    files = [room]
    if (
        hasattr(module, "__path__") and room != "samebits.launch"
    ):  # the child half of launch runs beside torch
        files += [found.name for found in pkgutil.walk_packages(module.__path__, room + ".")]
    program = "import sys; sys.modules['torch'] = sys.modules['numpy'] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", program + f"import {', '.join(files)}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_file_says_what_it_decides() -> None:
    root = Path(samebits.__file__).parent
    for file in sorted(root.rglob("*.py")):
        text = file.read_text("utf-8")
        assert text.lstrip("rR").startswith('"""'), f"{file.relative_to(root)} has no docstring"


def test_the_type_marker_is_there() -> None:
    assert (Path(samebits.__file__).parent / "py.typed").exists()
