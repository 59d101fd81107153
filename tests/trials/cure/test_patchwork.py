"""Remedies made and taken out again, in any order, and nothing changed that none of them names."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.model.finding import Edit
from samebits.source.source_text import SourceText
from samebits.trials.cure.patchwork import PatchConflict, Patchwork

SOURCE = "import torch\n\nmodel = 1\nx = draw()\ny = order(set_of)\n"


def patchwork(source: str | bytes = SOURCE) -> Patchwork:
    data = source.encode() if isinstance(source, str) else source
    return Patchwork(lambda file: SourceText.of(data))


def made(patches: Patchwork, *remedies: int) -> str:
    return patches.data("train.py", remedies).decode()


def seeded_and_sorted() -> Patchwork:
    patches = patchwork()
    patches.add(0, [Edit("train.py", 1, "import random\nimport torch\nrandom.seed(0)")], ())
    patches.add(1, [Edit("train.py", 7, "y = order(sorted(set_of))")], [0])
    return patches


def test_an_edit_names_a_line_of_the_text_that_there_was() -> None:
    patches = seeded_and_sorted()
    assert made(patches, 0, 1) == (
        "import random\nimport torch\nrandom.seed(0)\n\nmodel = 1\nx = draw()\ny = order(sorted(set_of))\n"
    )
    assert made(patches, 1) == "import torch\n\nmodel = 1\nx = draw()\ny = order(sorted(set_of))\n"
    assert made(patches, 0) == SOURCE.replace("import torch", "import random\nimport torch\nrandom.seed(0)")
    assert made(patches) == SOURCE


def test_what_is_put_beside_a_line_that_is_left_out_stays_beside_the_files_own() -> None:
    patches = seeded_and_sorted()
    patches.add(2, [Edit("train.py", 3, "random.seed(0)\ntorch.manual_seed(0)")], [0, 1])
    assert made(patches, 2).startswith("import torch\ntorch.manual_seed(0)\n\nmodel = 1")


def test_an_import_that_another_remedy_uses_stays() -> None:
    patches = patchwork()
    patches.add(0, [Edit("train.py", 1, "import samebits\nimport torch\nsamebits.deterministic()")], ())
    patches.add(1, [Edit("train.py", 6, "samebits.seed_everything(0)\nx = draw()")], [0])
    assert made(patches, 1).startswith(
        "import samebits\nimport torch\n\nmodel = 1\nsamebits.seed_everything(0)\n"
    )


def test_a_change_of_a_line_that_is_left_out_is_refused() -> None:
    patches = patchwork()
    patches.add(0, [Edit("train.py", 4, "x = other()")], ())
    patches.add(1, [Edit("train.py", 4, "x = sorted(other())")], [0])
    assert "x = sorted(other())" in made(patches, 0, 1)
    with pytest.raises(PatchConflict, match=r"the line 'x = other\(\)' needs one that is left out"):
        made(patches, 1)


def test_a_line_that_is_not_there_is_refused() -> None:
    with pytest.raises(PatchConflict, match=r"train\.py has no line 99"):
        patchwork().add(0, [Edit("train.py", 99, "x")], ())
    with pytest.raises(
        PatchConflict, match=r"train\.py cannot be changed: it cannot be read as Python source"
    ):
        patchwork(b"a = '\xff'\n").add(0, [Edit("train.py", 1, "x")], ())


@given(st.data())
def test_no_line_changes_that_no_edit_names(data: st.DataObject) -> None:
    word = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12)
    lines = ["# -", *data.draw(st.lists(word, min_size=1, max_size=10))]
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    source = end.join(lines) + data.draw(st.sampled_from(["", end]))
    try:
        patches = patchwork(source)
        count = len(patches.original("train.py").lines)
    except PatchConflict:
        return
    number = data.draw(st.integers(1, count))
    new = data.draw(st.lists(word, min_size=1, max_size=3))
    patches.add(0, [Edit("train.py", number, "\n".join(new))], ())
    try:
        patches.data("train.py", [0])
    except PatchConflict:
        return  # a comment that names an encoding
    before, after = source.encode().split(b"\n"), patches.data("train.py", [0]).split(b"\n")
    assert after[: number - 1] == before[: number - 1]
    if number < count:
        assert after[number - 1 + len(new) :] == before[number:]
    assert patches.data("train.py", []) == source.encode()


@pytest.mark.parametrize(
    "source",
    [
        SOURCE.encode(),
        SOURCE.replace("\n", "\r\n").encode(),
        SOURCE.rstrip().encode(),
        b"\xef\xbb\xbf" + SOURCE.encode(),
        "# coding: latin-1\nname = 'é'\nx = draw()\n".encode("latin-1"),
        b"x = 1\f\ny = 2\n\f\nz = 3\n",
    ],
)
@pytest.mark.parametrize("name", ["train.py", "my scripts/train it.py"])
def test_git_applies_the_patch_to_the_same_bytes(source: bytes, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(source)
    patches = Patchwork(lambda file: SourceText.read(tmp_path / file))
    patches.add(0, [Edit(name, 3, "import random\nchanged = 1")], ())
    diff = patches.diff([0])
    subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], cwd=tmp_path, input=diff, check=True)
    assert path.read_bytes() == patches.data(name, [0]) != source


def test_without_a_change_there_is_no_patch() -> None:
    assert seeded_and_sorted().diff([]) == b""


def test_a_line_is_counted_as_it_was_before_anything_was_changed() -> None:
    patches = Patchwork(lambda file: SourceText.of(b"import torch\nx = 1\ny = 2\n"))
    patches.add(0, [Edit("train.py", 1, "import random\nimport torch\nrandom.seed(0)")], ())
    patches.add(1, [Edit("train.py", 4, "x = 2\nprint(x)")], (0,))
    assert [patches.line("train.py", line, (0, 1)) for line in range(1, 7)] == [1, 1, 1, 2, 2, 3]
    assert patches.line("train.py", 3, ()) == 3
    assert patches.line("other.py", 9, (0, 1)) == 9


def test_two_names_of_a_file_are_one() -> None:
    links = {"train.py": "src/real.py"}
    patches = Patchwork(lambda file: SourceText.of(SOURCE.encode()), lambda file: links.get(file, file))
    patches.add(0, [Edit("train.py", 1, "import torch\nimport random")], ())
    patches.add(1, [Edit("src/real.py", 5, "x = drawn()")], (0,))
    assert patches.files([0, 1]) == ["src/real.py"]
    assert patches.diff([0, 1]).startswith(b"--- a/src/real.py\n+++ b/src/real.py\n@@ -1,5 +1,6 @@\n")
    assert patches.line("train.py", 5, (0, 1)) == 4
