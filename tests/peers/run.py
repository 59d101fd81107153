"""Run the peers' own seed tests, unmodified, against samebits; the target of `make peer-tests`.

    python tests/peers/run.py CHECKOUT_OR_FOLDER_OF_CHECKOUTS ... [--markdown]

A checkout is known by the test files it holds, whatever its folder is called.  Nothing of the peer is
imported or needs to be installed: each peer's names are put before its tests by an adapter of this folder, in
a process of its own.  Exit 1 when a test fails, when one on the list of those left out is not there, and
when no checkout is found.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from left_out import LEFT_OUT

HERE = Path(__file__).parent
COUNTS = ("passed", "skipped", "left out", "failed")


@dataclass(frozen=True)
class Peer:
    """A project whose tests are run."""

    name: str
    adapter: str
    url: str
    files: tuple[str, ...]  # within its checkout


PEERS = (
    Peer(
        "Lightning",
        "lightning",
        "https://github.com/Lightning-AI/pytorch-lightning",
        ("tests/tests_fabric/utilities/test_seed.py", "tests/tests_pytorch/utilities/test_seed.py"),
    ),
    Peer(
        "torchtune",
        "torchtune",
        "https://github.com/pytorch/torchtune",
        ("tests/torchtune/training/test_seed.py",),
    ),
    Peer(
        "MONAI",
        "monai",
        "https://github.com/Project-MONAI/MONAI",
        ("tests/utils/test_set_determinism.py",),
    ),
    Peer(
        "torchdata",
        "torchdata",
        "https://github.com/meta-pytorch/data",
        ("test/stateful_dataloader/test_sampler.py",),
    ),
    Peer(
        "seedbank",
        "seedbank",
        "https://github.com/lenskit/seedbank",
        (
            "tests/test_cupy_generator.py",
            "tests/test_derive.py",
            "tests/test_generator.py",
            "tests/test_init.py",
            "tests/test_init_file.py",
            "tests/test_jax.py",
            "tests/test_numba.py",
            "tests/test_process_seed.py",
            "tests/test_randomstate.py",
            "tests/test_stdlib.py",
        ),
    ),
)


def find(places: list[Path]) -> Iterator[tuple[Peer, Path]]:
    """The checkouts among these folders and the folders right below them."""
    for place in places:
        for folder in [place, *sorted(p for p in place.iterdir() if p.is_dir())]:
            for peer in PEERS:
                if all((folder / file).is_file() for file in peer.files):
                    yield peer, folder


def run_one(peer: Peer, checkout: Path) -> dict[str, Any]:
    """In this process: run a peer's tests.  What became of each file, and what was not found."""
    import pytest
    from plugin import Watch, install

    install(importlib.import_module(f"adapters.{peer.adapter}").modules())
    names = {name: why for name, why in LEFT_OUT.items() if name.partition("::")[0] in peer.files}
    watch = Watch(names)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch).resolve()
        (root / "pytest.ini").write_text("[pytest]\n")
        for file in peer.files:  # by links, so that packages and conftest files around them stay out
            link = root / file
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to((checkout / file).resolve())
        os.chdir(root)
        words = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-c", "pytest.ini", *peer.files]
        code = pytest.main(words, plugins=[watch])
    return {
        "code": int(code),
        "not_found": sorted(watch.not_found),
        "files": {
            name: vars(outcome) | {"ran": sorted(outcome.ran)} for name, outcome in watch.outcomes.items()
        },
    }


def start(peer: Peer, checkout: Path) -> dict[str, Any]:
    """`run_one` in a process of its own, whose hash secret is fixed as samebits asks."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as answer:
        words = ["--one", peer.name, answer.name, str(checkout)]
        variables = {k: v for k, v in os.environ.items() if not k.startswith("PL_")} | {"PYTHONHASHSEED": "0"}
        if subprocess.run([sys.executable, __file__, *words], env=variables).returncode:
            return {"code": 1, "not_found": [], "files": {}}
        found: dict[str, Any] = json.load(answer)
        return found


def commit(checkout: Path) -> str:
    """The checkout's commit, or "unknown" where it is no git checkout of its own."""
    words = ["git", "-C", str(checkout), "rev-parse", "--show-prefix", "HEAD"]
    done = subprocess.run(words, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    return lines[1] if done.returncode == 0 and len(lines) == 2 and not lines[0] else "unknown"


def show(rows: list[tuple[str, ...]], markdown: bool) -> None:
    """A table: for a terminal, or for docs/peer-tests.md."""
    head, *body = rows
    if markdown:
        for row in (head, ("---",) * len(head), *body):
            print("| " + " | ".join(row) + " |")
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("places", nargs="*", type=Path, help="checkouts, or folders that hold some")
    parser.add_argument("--markdown", action="store_true", help="print the tables of docs/peer-tests.md")
    parser.add_argument("--one", nargs=2, metavar=("PEER", "ANSWER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        peer = next(peer for peer in PEERS if peer.name == options.one[0])
        Path(options.one[1]).write_text(json.dumps(run_one(peer, options.places[0])))
        return 0
    found = list(find([place.resolve() for place in options.places if place.is_dir()]))
    if not found:
        wanted = "\n".join(f"  {peer.url}   ({peer.files[0]})" for peer in PEERS)
        print(
            f"no checkout of a peer is at: {' '.join(map(str, options.places)) or '(no path given)'}\n"
            "give a checkout, or a folder that holds some, of:\n" + wanted,
            file=sys.stderr,
        )
        return 1
    return report(found, options.markdown)


def report(found: list[tuple[Peer, Path]], markdown: bool) -> int:
    """Run these; print one line a file, then whatever needs an answer."""
    rows: list[tuple[str, ...]] = [("peer", "commit", "file", "tests", *COUNTS)]
    ran: list[tuple[str, ...]] = [("file", "what of samebits its passing tests use")]
    notes, failed = [], False
    total = dict.fromkeys(COUNTS, 0)
    for peer, checkout in found:
        answer = start(peer, checkout)
        failed |= answer["code"] not in (0, 5) or bool(answer["not_found"])  # 5: every test is left out
        notes += [f"on the list of those left out, but not there: {name}" for name in answer["not_found"]]
        for file in peer.files:
            if file not in answer["files"]:
                notes.append(f"nothing could be run of: {file}")
            outcome = answer["files"].get(file, {"counts": {}, "skips": {}, "ran": []})
            counts = [outcome["counts"].get(name, 0) for name in COUNTS]
            rows.append((peer.name, commit(checkout)[:12], file, str(sum(counts)), *map(str, counts)))
            total = {name: total[name] + n for name, n in zip(COUNTS, counts, strict=True)}
            notes += [f"skips itself: {name}: {why}" for name, why in outcome["skips"].items()]
            ran.append((file, ", ".join(outcome["ran"])))
    rows.append(("all", "", "", str(sum(total.values())), *map(str, total.values())))
    print()
    show(rows, markdown)
    print()
    show(ran, markdown)
    if markdown:
        print()
        files = {file for peer, _ in found for file in peer.files}
        left = [(name, why) for name, why in LEFT_OUT.items() if name.partition("::")[0] in files]
        show([("left out", "why"), *left], markdown)
    print("\n".join(["", *notes]))
    missing = [peer.name for peer in PEERS if peer not in [one for one, _ in found]]
    if missing:
        print(f"no checkout given of: {', '.join(missing)}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
