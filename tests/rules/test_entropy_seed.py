"""Seeds of entropy: followed from the call that takes one, and left alone where they are given or told."""

from __future__ import annotations

from pathlib import Path

import pytest

from samebits.audit import audit_paths, audit_source


def lines(text: str) -> list[int]:
    return [one.site.line for one in audit_source(text) if one.cause == "entropy-seed" and one.site]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import time, torch\ntorch.manual_seed(int(time.time()))\n", 2),
        ("import time, random\nseed = int(time.time() * 1000) % 2**32\nrandom.seed(seed)\n", 3),
        ("import os, numpy as np\nnp.random.seed(os.getpid())\n", 2),
        ("from uuid import uuid4\nimport numpy as np\nrng = np.random.default_rng(uuid4().int % 2**32)\n", 3),
        ("import os, torch\ng = torch.Generator()\ng.manual_seed(int.from_bytes(os.urandom(4), 'big'))\n", 3),
        ("import secrets, random\nrng = random.Random(secrets.randbits(32))\n", 2),
        ("import random\nsystem = random.SystemRandom()\nrandom.seed(system.randint(0, 9))\n", 3),
        ("import random\nrandom.seed()\n", 2),
        ("import numpy as np\nnp.random.seed(None)\n", 2),
        ("import torch\ntorch.seed()\n", 2),
        ("import torch\ng = torch.Generator()\ng.seed()\n", 3),
        ("import time\ndef fresh():\n    return int(time.time())\nset_seed(fresh())\n", 4),
        ("import time\nclass A:\n    def f(self):\n        self.seed = time.time_ns()\n"
         "    def g(self):\n        random_state(seed=self.seed)\n", 6),
        ("from datetime import datetime\nimport random\nrandom.seed(datetime.now().microsecond)\n", 3),
        ("import time\nfrom sklearn.model_selection import train_test_split as split\n"
         "a, b = split(x, random_state=int(time.time()))\n", 3),
        ("import secrets, torch\nseed = args.seed or secrets.randbits(31)\ntorch.manual_seed(seed)\n", 3),
        ("import time, torch\ndef set_all(seed=None):\n    if seed is None:\n"
         "        seed = int(time.time())\n"
         "    torch.manual_seed(seed)\n", 5),
    ],
)  # fmt: skip
def test_it_is_found(text: str, line: int) -> None:
    assert lines(text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        "import torch\ntorch.manual_seed(0)\n",
        "import time\nname = f'run-{int(time.time())}'\nprint(name)\n",
        "import time, torch\nstart = time.time()\ntorch.manual_seed(3)\nprint(time.time() - start)\n",
        "import os, uuid\nfolder = os.path.join('runs', str(uuid.uuid4()))\n",
        "import torch, secrets\nseed = args.seed if args.seed is not None else secrets.randbits(31)\n"
        "print('seed', seed)\ntorch.manual_seed(seed)\n",
        "import time, torch, logging\nif args.seed is None:\n    args.seed = int(time.time())\n"
        "logging.info('seed %d', args.seed)\ntorch.manual_seed(args.seed)\n",
        "import torch, random\ndef start(worker):\n    random.seed(torch.initial_seed() % 2**32)\n",
        "import secrets\ntoken = secrets.token_hex(8)\nseed_everything(3)\n",
        "import random\nrng = random.Random(7)\nrng.seed(8)\n",
        "import tree, time\nt = time.time()\nseeds = [1, 2, 3]\nfor seed in seeds:\n    set_seed(seed)\n",
        "import numpy as np\nrng = np.random.default_rng(np.random.SeedSequence(3))\n",
    ],
)
def test_it_is_not_claimed(text: str) -> None:
    assert lines(text) == []


def test_one_seed_for_three_generators_is_one_finding() -> None:
    text = (
        "import time, random, torch\nimport numpy as np\nseed = int(time.time())\nrandom.seed(seed)\n"
        "np.random.seed(seed)\ntorch.manual_seed(seed)\n"
    )
    (found,) = [one for one in audit_source(text) if one.cause == "entropy-seed"]
    assert found.site is not None
    assert found.site.line == 4
    assert found.hit is not None
    assert [place.line for place, _ in found.hit.places] == [3, 5, 6]
    assert (
        found.why == "the seed that random.seed() gets is made of time.time(), which is another in every run."
    )


def test_a_helper_of_another_file_gets_it(tmp_path: Path) -> None:
    (tmp_path / "seeds.py").write_text("import torch\ndef seed_all(seed):\n    torch.manual_seed(seed)\n")
    (tmp_path / "train.py").write_text("import os\nfrom seeds import seed_all\nseed_all(os.getpid())\n")
    found = [one for one in audit_paths([tmp_path], cache=False).findings if one.cause == "entropy-seed"]
    assert [(Path(one.site.file).name, one.site.line) for one in found if one.site] == [("train.py", 3)]
