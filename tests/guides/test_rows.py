"""Each row of docs/guides.md, run as it is printed on a CPU; stand-ins for two devices note their seeds."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.programs import Folder

from samebits import Key
from samebits.model.operators import OPERATIONS, table_name

from .pages import CODE, DEVICES, DRAWS, ENGLISH, EPOCHS, FLAGS, SEEDS, Failed, blocks, run

pytestmark = pytest.mark.slow

DETERMINISTIC = [True, False, True]  # cuDNN's deterministic, benchmark, enabled


def by_hand(seed: int) -> list[float]:
    import random

    return [
        random.Random(seed).random(),
        float(np.random.RandomState(seed).rand()),
        torch.rand((), generator=torch.Generator().manual_seed(seed)).item(),
    ]


def sample(answer: Any, index: int, epoch: int = 0) -> list[float]:
    return list(answer["epochs"][epoch][index])


def workers(answers: list[Any], epochs: int = 1) -> list[tuple[float, ...]]:
    """What each worker of each rank draws first, in each epoch; samples 0 and 1 are those of two workers."""
    return [tuple(sample(answer, worker, epoch)) for answer in answers for worker in range(2)
            for epoch in range(epochs)]  # fmt: skip


class TestGuideA:
    def test_g1(self, tmp_path: Path) -> None:
        hand, imported, instead = (
            run(tmp_path / label, *("G1", label), DRAWS, FLAGS, SEEDS, before=DEVICES)
            for label in ("by-hand", "import", "instead")
        )
        assert imported["draws"] == hand["draws"] == by_hand(11)
        assert imported["seeds"] == hand["seeds"] == [11, 11]
        assert instead["seeds"] == [
            Key(11, ("process", 0, "torch", "cuda", index)).integer(64) for index in range(2)
        ]
        assert hand["flags"] == imported["flags"] == instead["flags"] == DETERMINISTIC
        assert not hand["algorithms"]
        assert instead["algorithms"]

    def test_g2(self, tmp_path: Path) -> None:
        hand, imported, same, instead = (
            run(tmp_path / label, *("G2", label), EPOCHS, ranks=2)
            for label in ("by-hand", "import", "same-numbers", "instead")
        )
        for rank in range(2):
            assert sample(hand[rank], 0) == sample(hand[rank], 1) == by_hand(11 + rank)
            assert hand[rank]["epochs"] == same[rank]["epochs"]
            assert [sample(imported[rank], n) for n in range(2)] == [
                by_hand(11 + 1000 * rank + 1 + n) for n in range(2)
            ]
            assert imported[rank]["epochs"][0] == imported[rank]["epochs"][1]
        assert "SharedStreamWarning" in same[0]["err"]
        assert len(set(workers(imported))) == 4
        assert len(set(workers(instead, epochs=2))) == 8
        again = run(tmp_path / "again", "G2", "instead", EPOCHS, ranks=2)
        assert [answer["epochs"] for answer in again] == [answer["epochs"] for answer in instead]


#: This program's hash of a text, and that of a program that it starts.
HASHES = """
import subprocess, sys
child = subprocess.run([sys.executable, "-c", "print(hash('a'))"], capture_output=True, text=True)
answer["hashes"] = [hash("a"), int(child.stdout)]
"""


class TestGuideB:
    def test_g3(self, tmp_path: Path) -> None:
        hand, imported, instead = (
            [run(tmp_path / label, *("G3", label), DRAWS, FLAGS, HASHES, SEEDS, before=before) for _ in "ab"]
            for label, before in (("by-hand", DEVICES), ("import", DEVICES), ("instead", DEVICES))
        )
        fixed = subprocess.run(
            [sys.executable, "-c", "print(hash('a'))"],
            env={"PYTHONHASHSEED": "2333"},
            capture_output=True,
            text=True,
        )
        of_2333 = int(fixed.stdout)
        for one, other in (hand, imported):
            assert one["draws"] == by_hand(2333)
            assert one["flags"] == DETERMINISTIC
            assert one["seeds"] == [2333, 2333]
            assert one["hashes"][1] == other["hashes"][1] == of_2333
            assert one["hashes"][0] != other["hashes"][0]  # too late for the program itself
        for one in instead:
            assert one["hashes"] == [of_2333, of_2333]
            assert one["flags"] == DETERMINISTIC
            assert one["draws"] == instead[0]["draws"]

    def test_g3_by_the_command(self, tmp_path: Path) -> None:
        command = (sys.executable, "-m", "samebits", "run", "--seed", "2333")
        answer = run(tmp_path, "G3", "import", DRAWS, FLAGS, HASHES, command=command)
        assert answer["hashes"][0] == answer["hashes"][1]
        assert answer["flags"] == DETERMINISTIC
        assert answer["draws"] == by_hand(2333)

    def test_g4(self, tmp_path: Path) -> None:
        hand, imported, same, instead = (
            run(tmp_path / label, *("G4", label), DRAWS, SEEDS, ranks=2, before=DEVICES)
            for label in ("by-hand", "import", "same-numbers", "instead")
        )
        for rank in range(2):
            for answer in (hand, imported, same):
                assert answer[rank]["draws"] == by_hand(11 + rank)
                assert answer[rank]["seeds"] == [11 + rank] * 2  # on cuda:1, too
        drawn = chain.from_iterable(answer["draws"] for answer in instead)
        assert len(set(drawn)) == 6
        asked = 'answer["parts"] = [train.indices, valid.indices]\n'
        again = run(tmp_path / "again", "G4", "instead", DRAWS, HASHES, asked, ranks=2)
        assert [answer["draws"] for answer in again] == [answer["draws"] for answer in instead]
        assert again[0]["parts"] == again[1]["parts"]
        assert sorted(again[0]["parts"][0] + again[0]["parts"][1]) == list(range(10))
        assert len({*again[0]["hashes"], *again[1]["hashes"]}) == 1

    def test_g4_portable(self, tmp_path: Path) -> None:
        asked = 'answer |= {"weights": model.weight.tolist(), "mask": mask.tolist()}\n'
        first, again = (run(tmp_path / name, "G4", "portable", asked, DRAWS, ranks=2) for name in "ab")
        assert first[0]["weights"] == first[1]["weights"]
        assert first[0]["mask"] != first[1]["mask"]
        for answer in ("weights", "mask", "draws"):
            assert [rank[answer] for rank in first] == [rank[answer] for rank in again]


class TestGuideC:
    def test_g5(self, tmp_path: Path) -> None:
        variable = 'import os\nanswer["hash"] = os.environ.get("PYTHONHASHSEED")\n'
        hand = run(tmp_path / "hand", "G5", "by-hand", DRAWS, FLAGS, variable)
        with pytest.raises(Failed, match=r"_init_fn.* takes 0 positional arguments but 1 was given"):
            run(tmp_path / "hand", "G5", "by-hand", EPOCHS)
        (imported, _), (instead, _) = twice = [
            [run(tmp_path / label, "G5", label, DRAWS, FLAGS, variable, EPOCHS) for _ in "ab"]
            for label in ("import", "instead")
        ]
        for first, again in twice:
            assert first["epochs"] == again["epochs"]
            assert len(set(workers([first], epochs=2))) == 4
        for answer in (hand, imported):
            assert answer["draws"] == by_hand(202003)
            assert answer["flags"] == [True, False, False]
            assert answer["hash"] == "202003"
        assert instead["flags"] == DETERMINISTIC
        assert instead["algorithms"]
        assert instead["hash"] == "202003"

    def test_g5_called(self, tmp_path: Path) -> None:
        """As `worker_init_fn=_init_fn()`."""
        first = run(tmp_path, "G5", "import", EPOCHS)
        called = CODE["G5", "import"].replace("worker_init_fn=_init_fn", "worker_init_fn=_init_fn()")
        answer = run(tmp_path, "G5", "import", called.partition("\n\n")[2], EPOCHS)
        assert answer["epochs"] == first["epochs"]

    def test_g6(self, tmp_path: Path) -> None:
        run(tmp_path, "G6", "instead")
        table = re.findall(r"^\| [^|]+ward \| ([a-z0-9_, ]+) \|$", ENGLISH.read_text("utf-8"), re.MULTILINE)
        names = [name for cell in table for name in cell.split(", ")]
        assert len(names) == 14
        assert set(names) <= {row.name for row in OPERATIONS}
        for word in ("index_add_", "scatter_add_", "bincount", "embedding_bag", "ctc_loss", "upsample"):
            assert table_name(word) in names

    def test_g6_commands(self, folder: Folder) -> None:
        for words in commands("G6"):
            ended = folder.samebits(*words[1:])
            assert ended.code == 0, ended.out + ended.err

    def test_g7(self, folder: Folder) -> None:
        folder.write("train.py", CODE["G7", "train.py"])
        verify, trained, *_ = commands("G7")
        ended = folder.samebits(*verify[1:])
        assert ended.code == 1, ended.out + ended.err
        # Chance decides: two threads that never meet in a step add alike in it.
        assert re.match(r"DIVERGED  first at step [0-4], aten::index_put, train\.py:10\n", ended.out)
        assert "nondeterministic-kernel" in ended.out
        results = []
        for _ in range(2):
            assert folder.samebits(*trained[1:]).code == 0
            results.append(torch.load(folder.path / "result.pt"))
        assert results[0]["losses"] == results[1]["losses"]
        assert torch.equal(results[0]["table"], results[1]["table"])
        assert len(set(results[0]["losses"])) == 5

    def test_g7_figure(self, folder: Folder) -> None:
        """Of two records, as it is printed."""
        pytest.importorskip("matplotlib")
        pytest.importorskip("samebits.metrics.logs")
        folder.write("train.py", CODE["G7", "train.py"])
        folder.write("figure.py", CODE["G7", "figure"])
        *records, compare = commands("G7")[2:]
        for words in records:
            assert folder.samebits(*words[1:]).code == 0
        ended = folder.samebits(*compare[1:])
        assert ended.code in (0, 1), ended.out + ended.err  # chance decides, as above
        ended = folder.python("figure.py")
        assert ended.code == 0, ended.err
        assert "</svg>" in (folder.path / "curves.svg").read_text("utf-8")


def commands(row: str) -> list[list[str]]:
    """The words of a row's commands."""
    text = "".join(block.text for block in blocks(ENGLISH) if (block.row, block.language) == (row, "console"))
    return [line[2:].partition("#")[0].split() for line in text.splitlines()]


class TestGuideD:
    def test_g8(self, tmp_path: Path) -> None:
        hand = run(tmp_path / "hand", "G8", "by-hand")
        assert re.findall(r"\d+", hand["out"]) == ["441", "679", "520"] * 2
        instead = run(tmp_path / "instead", "G8", "instead")
        assert instead["out"].strip() == printed("G8", "instead")

    def test_g9(self, tmp_path: Path) -> None:
        assert run(tmp_path, "G9", "by-hand", SEEDS, before=DEVICES)["seeds"] == [11, 12]
        instead = run(tmp_path, "G9", "instead", SEEDS, before=DEVICES)
        assert len(set(instead["seeds"])) == 2
        assert instead["out"].count("torch cuda:") == 2
        assert run(tmp_path, "G9", "instead", SEEDS, before=DEVICES)["seeds"] == instead["seeds"]

    def test_g10(self, tmp_path: Path) -> None:
        noise = 'answer["noise"] = noise.tolist()\n'
        hand = run(tmp_path, "G10", "by-hand", noise)
        expected = torch.randn(3, generator=torch.Generator().manual_seed(11))
        assert hand["noise"] == expected.tolist()
        for threads in "12":
            instead = run(tmp_path, "G10", "instead", OMP_NUM_THREADS=threads)
            assert instead["out"].strip() == printed("G10", "instead")
            training = run(tmp_path, "G10", "training", OMP_NUM_THREADS=threads)
            assert training["out"].strip() == printed("G10", "training")
        command = (sys.executable, "-m", "samebits", "run", "--seed", "11", "--portable")
        plain = "noise = torch.randn(3)\nprint(noise.tolist())\n" + noise
        answer = run(tmp_path, "", "noise.py", plain, command=command)
        assert answer["out"].strip() == printed("G10", "instead")

    def test_g11(self, tmp_path: Path) -> None:
        hand, same, instead = (
            run(tmp_path / label, *("G11", label), DRAWS, EPOCHS, ranks=2)
            for label in ("by-hand", "same-numbers", "instead")
        )
        for rank, base in enumerate((777, 1777)):
            for answers in (hand, same):
                assert answers[rank]["draws"] == by_hand(base)
                assert [sample(answers[rank], n) for n in range(2)] == [by_hand(base + 1), by_hand(base + 2)]
            assert hand[rank]["epochs"] == same[rank]["epochs"]
        assert len(set(workers(instead, epochs=2))) == 8

    def test_g11_is_the_guides_training(self, tmp_path: Path) -> None:
        """The order of batches, too, and what the main process draws meanwhile."""
        asked = """
shuffled = DataLoader(range(8), shuffle=True, num_workers=2, worker_init_fn=loader.worker_init_fn)
answer["order"] = [[batch.item(), torch.rand(1).item()] for _ in range(2) for batch in shuffled]
"""
        hand, same = (run(tmp_path, *("G11", label), asked, ranks=2) for label in ("by-hand", "same-numbers"))
        for rank in range(2):
            assert hand[rank]["order"] == same[rank]["order"]

    def test_g11_however_it_is_called(self, tmp_path: Path) -> None:
        """With the rank that torchrun says, and with one that is given."""
        for rank in ("", ", rank=dist.get_rank()"):
            more = f"""
from samebits.data import loader_kwargs
loader = DataLoader(Noise(), num_workers=2, **loader_kwargs(777, scheme="offset"{rank}))
"""
            answers = run(tmp_path, "G11", "same-numbers", more, EPOCHS, ranks=2)
            assert [sample(answers[1], n) for n in range(2)] == [by_hand(1778), by_hand(1779)]


def printed(row: str, label: str) -> str:
    """The comment that a block ends with: what it prints."""
    last = CODE[row, label].rstrip().splitlines()[-1]
    assert last.startswith("# ")
    return last[2:]


class TestGuideE:
    def test_g12(self, tmp_path: Path) -> None:
        asked = 'answer |= {"taken": taken.tolist(), "grad": table.grad.tolist()}\n'
        hand, imported, instead = (
            run(tmp_path, *("G12", label), asked) for label in ("by-hand", "import", "instead")
        )
        assert hand["taken"] == imported["taken"] == instead["taken"]
        assert hand["grad"] == imported["grad"] == instead["grad"] == [[1, 0, 2, 0]] * 3

    def test_g13(self, tmp_path: Path) -> None:
        hand, imported, instead = (
            run(tmp_path / label, *("G13", label), EPOCHS) for label in ("by-hand", "import", "instead")
        )
        assert hand["epochs"] == imported["epochs"]
        assert len({number for epoch in instead["epochs"] for row in epoch for number in row}) == 2 * 8 * 3
        block = CODE["G13", "instead"]
        for count in "01":
            changed = block.replace("num_workers=2", f"num_workers={count}")
            assert changed != block
            assert run(tmp_path, "G13", "instead", changed, EPOCHS)["epochs"] == instead["epochs"]

    def test_g13_resumed(self, tmp_path: Path) -> None:
        resumed = """
batches = iter(loader)
first = [[float(number) for number in next(batches)] for _ in range(3)]
state = loader.state_dict()
loader = SeededLoader(Noise(), seed=0, shuffle=True, num_workers=2)
loader.load_state_dict(state)
answer["epochs"] = [first + [[float(number) for number in sample] for sample in loader]]
"""
        whole = run(tmp_path, "G13", "instead", EPOCHS)
        assert run(tmp_path, "G13", "instead", resumed)["epochs"] == whole["epochs"][:1]


@pytest.mark.parametrize("words", [(), ("-m", "samebits", "run", "--quiet")], ids=["python", "run"])
def test_packages_need_no_further_import(tmp_path: Path, words: tuple[str, ...]) -> None:
    asked = """
import samebits
answer["kwargs"] = sorted(samebits.data.loader_kwargs(11))
answer["rank"] = samebits.compat.get_rank()
answer["key"] = samebits.random.key(7).tolist()
"""
    answer = run(tmp_path, "", "noise.py", asked, command=(sys.executable, *words))
    assert (answer["kwargs"], answer["rank"], answer["key"]) == (["generator", "worker_init_fn"], 0, [7, 0])
