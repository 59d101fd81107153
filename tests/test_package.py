"""The package as a whole: what importing it costs, what it offers, and which rooms need no torch."""

from __future__ import annotations

import ast
import builtins
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
    "UsageTypeError",
    "Verdict",
    "__version__",
    "capture_rng",
    "cure",
    "deterministic",
    "doctor",
    "ensure_hash_seed",
    "isolated",
    "plot",
    "portable",
    "preserved",
    "record",
    "restore_rng",
    "resume",
    "run",
    "seed_everything",
    "stress",
    "verify",
]

#: The packages that are names without having been imported.
PACKAGES = [
    "arithmetic", "audit", "causes", "compare", "compat", "control", "data", "determinism", "errors",
    "integrations", "launch", "manifest", "metrics", "model", "observe", "ops", "random", "record", "report",
    "seeding", "selftest", "source", "trials", "usercode",
]  # fmt: skip

#: The public names of the packages that a training script imports; those of `samebits.random` follow from its
#: files (tests/random/test_exports.py).
ROOMS = {
    "samebits.seeding": [
        "HashSeedWarning", "Key", "RankWarning", "Restored", "SEED_LIMIT", "Seeded", "Streams",
        "capture_rng", "discover", "ensure_hash_seed", "isolated", "preserved", "register",
        "register_library", "restore_rng", "seed_everything", "unregister",
    ],
    "samebits.audit": ["Audit", "Finding", "audit_file", "audit_paths", "audit_source"],
    "samebits.integrations": ["Checkpointed", "available"],
    "samebits.data": ["ResumableSampler", "SampleSeeded", "SeededLoader", "loader_kwargs"],
    "samebits.compat": [
        "SharedStreamWarning", "_init_fn", "deterministic_index_select", "get_rank",
        "is_dist_avail_and_initialized", "seed_everything", "seed_reproducer", "seed_worker", "setup_seed",
        "worker_init_fn",
    ],
}  # fmt: skip

#: What a laptop needs to read a cluster's record.
WITHOUT_TORCH = [
    "samebits.audit",
    "samebits.causes",
    "samebits.cli",
    "samebits.compare",
    "samebits.errors",
    "samebits.launch",
    "samebits.manifest",
    "samebits.metrics",
    "samebits.model",
    "samebits.record",
    "samebits.report",
    "samebits.trials",
]


def test_public_names() -> None:
    assert sorted(samebits.__all__) == PUBLIC
    assert dir(samebits) == sorted({*PUBLIC, *PACKAGES})


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


def test_packages_are_names_of_the_package() -> None:
    """Each alone, in an interpreter that has imported nothing else; `compat` alone imports torch."""
    inside = {module.name for module in pkgutil.iter_modules(samebits.__path__)}
    assert {name for name in inside if not name.startswith("_")} - {"cli"} == set(PACKAGES)
    for name in PACKAGES:
        program = f"import types, samebits; assert isinstance(samebits.{name}, types.ModuleType)"
        assert ("torch" in loaded_by(program)) == (name == "compat"), name


@pytest.mark.parametrize(
    "before",
    [
        "",
        "import samebits.record",
        "import samebits.record.run",
        "from samebits.record.run import Run",
        "from samebits import record",
        "import samebits.launch.process, samebits.cli.record, samebits.cli.run",
        "samebits.record; samebits.run; samebits.Run",
    ],
)
def test_a_package_that_is_a_function_too_is_both_whatever_is_imported_first(before: str) -> None:
    program = f"""
import samebits
{before}
def refused(function):
    try:
        function()
    except samebits.UsageError as error:
        return str(error)
for _ in range(2):
    assert "record: give one of" in refused(samebits.record)
    assert "run: give one of" in refused(samebits.run)
    assert "verify: give one of" in refused(samebits.verify)
    from samebits import record
    assert record is samebits.record is __import__("sys").modules["samebits.record"]
    from samebits.record.run import Run
    assert Run is samebits.Run is samebits.record.run.Run
    import samebits.record.run as module
    assert module.Run is Run
import inspect, pydoc
assert list(inspect.signature(samebits.record).parameters)[:4] == ["script", "args", "module", "command"]
"""
    assert "torch" not in loaded_by(program)


def test_names_for_type_checkers(tmp_path: Path) -> None:
    """A user's file under mypy --strict: what is a function is one there, too."""
    pytest.importorskip("mypy")
    file = tmp_path / "user.py"
    file.write_text(
        "import samebits\n"
        "from samebits.record.run import Run\n"
        "run: Run = samebits.record('train.py', args=['--epochs', 1], steps=2)\n"
        "verdict: samebits.Verdict = samebits.verify(module='package.train', seed=1)\n"
        "code: int = samebits.run(command=['python', 'x.py'])\n"
        "samebits.random.key(0)\n"
        "samebits.data.SeededLoader([1], seed=1)\n"
        "samebits.verify(steps='x')\n"
        "samebits.nothing\n"
    )
    words = [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={tmp_path / 'cache'}", str(file)]
    out = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path).stdout
    wrong = [line.split(": error: ")[1] for line in out.splitlines() if ": error: " in line]
    assert [text.rpartition("[")[2] for text in wrong] == ["arg-type]", "attr-defined]"], out


def test_every_error_is_in_the_tree() -> None:
    from samebits import errors

    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and kind.__module__ == errors.__name__
    ]
    assert errors.SamebitsError in kinds
    for kind in kinds:
        assert issubclass(kind, samebits.SamebitsError)
        assert kind.__name__ in (errors.__doc__ or "")
        assert getattr(samebits, kind.__name__) is kind
    assert issubclass(samebits.UsageError, ValueError)
    assert issubclass(samebits.UsageTypeError, TypeError)


#: Files whose errors are caught inside, are torch's own, or are Python's protocol of attributes.
OTHER_ERRORS = {
    "_runtime/lazy.py": {"AttributeError"},
    "arithmetic/core.py": {"MemoryError"},
    "integrations/__init__.py": {"AttributeError"},
    "data/passes.py": {"AttributeError"},
    "data/samples.py": {"AttributeError"},
    "compat/index_select.py": {"IndexError"},
    "control/result_order.py": {"TimeoutError"},
    "integrations/_protocol.py": {"ModuleNotFoundError"},
    "launch/copy_up.py": {"OSError"},
    "launch/process.py": {"OSError"},
    "ops/index.py": {"IndexError"},
    "ops/unpool.py": {"RuntimeError"},
    "random/parametric.py": {"MemoryError"},
    "metrics/readers/_files.py": {"ValueError"},
    "report/figure.py": {"ModuleNotFoundError"},
    "observe/fallback.py": {"TypeError", "ValueError"},
    "record/fields.py": {"ValueError"},
    "record/structure.py": {"ValueError"},
    "record/writer.py": {"FileExistsError", "TypeError", "ValueError"},
    "seeding/serialization.py": {"ValueError"},
    "seeding/adapters.py": {"ValueError"},
    "seeding/checksum.py": {"TypeError"},
    "source/source_text.py": {"ValueError"},
    "trials/stress/matrix.py": {"KeyError"},
}


def test_errors_raised_on_purpose_are_of_the_tree() -> None:
    root = Path(samebits.__file__).parent
    builtin = {name for name in dir(builtins) if name.endswith("Error")} - {"NotImplementedError"}
    found: dict[str, set[str]] = {}
    for file in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                name = getattr(node.exc.func, "id", None)
                if name in builtin and "_triton" not in file.parts:
                    found.setdefault(str(file.relative_to(root)), set()).add(name)
    assert found == OTHER_ERRORS


def test_the_verdicts_keys_are_those_that_are_documented() -> None:
    """The schema is the golden list: a key that is new or gone is there first, and in the changelog."""
    schema = json.loads(Path("docs/reference/verdict.schema.json").read_text("utf-8"))
    document = samebits.Verdict("same", ("a", "b")).as_json()
    assert sorted(document) == sorted(schema["required"]) == sorted(schema["properties"])
    assert (document["format"], document["version"]) == (
        "samebits.verdict",
        schema["properties"]["version"]["const"],
    )


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


def test_observing_loads_no_cause() -> None:
    """The catalogue is for whoever reads a record; an observed program pays for none of it."""
    for name in ("samebits.observe", "samebits.observe.session", "samebits.observe.hooks"):
        found = {module for module in loaded_by(f"import {name}") if module.startswith("samebits.")}
        assert name in found
        assert not any(module.startswith(("samebits.causes", "samebits.compare")) for module in found)


@pytest.mark.parametrize("room", WITHOUT_TORCH)
def test_needs_no_torch(room: str) -> None:
    """Every file of the room, where torch cannot be imported, and numpy only by the metrics."""
    module = importlib.import_module(room)
    files = [room]
    if (
        hasattr(module, "__path__") and room != "samebits.launch"
    ):  # the child half of launch runs beside torch
        files += [found.name for found in pkgutil.walk_packages(module.__path__, room + ".")]
    program = "import sys; sys.modules['torch'] = None\n"
    if room != "samebits.metrics":  # its series are arrays
        program += "sys.modules['numpy'] = None\n"
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
