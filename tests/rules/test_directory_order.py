"""Listings of folders: where their order is kept, and where it is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rules.one_rule import findings, lines, mended

from samebits.audit import audit_paths

RULE = "directory-order"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import os\nnames = os.listdir('data')\nids = {n: i for i, n in enumerate(names)}\n", 2),
        ("import os\ndef names(d):\n    return os.listdir(d)\n", 3),
        ("from os import listdir as ls\nrows = []\nfor n in ls('data'):\n    rows.append(n)\n", 3),
        ("import glob, random\nfiles = glob.glob('*.png')\nrandom.shuffle(files)\n", 2),
        ("from glob import iglob\nfor n in iglob('*.txt'):\n    vocabulary[n] = len(vocabulary)\n", 2),
        ("from pathlib import Path\ndef f(d):\n    for p in Path(d).rglob('*.png'):\n        yield p\n", 3),
        (
            "from pathlib import Path\nfiles = list(Path('a').iterdir())\n"
            "train, test = files[:9], files[9:]\n",
            2,
        ),
        ("import os\nfor r, ds, fs in os.walk('a'):\n    for f in fs:\n        paths.append(f)\n", 2),
        ("import os\nfor r, ds, fs in os.walk('a'):\n    for f in sorted(fs):\n        paths.append(f)\n", 2),
        (
            "import os\nfor r, ds, fs in os.walk('a', topdown=False):\n    ds.sort(); fs.sort()\n"
            "    paths.extend(fs)\n",
            2,
        ),
        ("import os\nfor r, ds, fs in sorted(os.walk('a')):\n    for f in fs:\n        out.append(f)\n", 2),
        (
            "import os\nclasses = next(os.walk('a'))[1]\nids = dict(zip(classes, range(9)))\n"
            "x = classes[1]\n",
            2,
        ),
        (
            "import os\n_, folders, _ = next(os.walk('a'))\nfor i, f in enumerate(folders):\n"
            "    ids[f] = i\n",
            2,
        ),
        (
            (
                "import os\nwith os.scandir('a') as entries:\n    for e in entries:\n"
                "        rows.append(e.name)\n"
            ),
            2,
        ),
        (
            "import os\nclass Images:\n    def __init__(self, d):\n        self.files = os.listdir(d)\n"
            "    def __getitem__(self, i):\n        return self.files[i]\n",
            4,
        ),
        (
            "import os\nclass Images:\n    def __init__(self, d):\n        self.rows = []\n"
            "        for n in os.listdir(d):\n            self.rows.append((n, 1))\n"
            "    def __getitem__(self, i):\n        return self.rows[i]\n",
            5,
        ),
        ("import os\ndef use(files):\n    return files[3]\nuse(os.listdir('a'))\n", 4),
        (
            "import os, pandas as pd\ntable = pd.concat([read(f) for f in os.listdir('a')])\n"
            "x = table[:10]\n",
            2,
        ),
        ("import os, numpy as np\nfor n in os.listdir('a'):\n    noise(np.random.rand(3))\n", 2),
        ("import os\nout = open('train.txt', 'w')\nfor n in os.listdir('a'):\n    out.write(n)\n", 3),
        ("import os\nby = {c: os.listdir(c) for c in classes}\n", 2),
        ("import os\nlast = os.listdir('runs')[-1]\n", 2),
        (
            "import os\ntable = {}\nfor n in os.listdir('a'):\n    table[n] = read(n)\n"
            "rows = list(table.values())\n",
            3,
        ),
        (
            "from pathlib import Path\nparts = [Path(d).glob('*.png') for d in ds]\n"
            "all_ = [*parts[0], *parts[1]]\nx = parts[1]\n",
            2,
        ),
        ("import os\nloader = DataLoader(FolderDataset(os.listdir('a')))\n", 2),
    ],
)
def test_a_kept_order_is_found(text: str, line: int) -> None:
    assert lines(RULE, text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        "import os\nnames = sorted(os.listdir('data'))\nx = names[3]\n",
        "import os\nnames = os.listdir('data')\nnames.sort()\nx = names[3]\n",
        "import os\nnames = os.listdir('data')\nnames = sorted(n for n in names if n)\nx = names[3]\n",
        "import os\nnames = os.listdir('data')\nnames[:] = sorted(names)\nx = names[3]\n",
        "import os\nn = len(os.listdir('data'))\n",
        "import os\nif 'a' in os.listdir('data'):\n    go()\n",
        "import os\nfor n in os.listdir('data'):\n    os.remove(n)\n",
        (
            "import os, shutil\nfor n in os.listdir('data'):\n    if n.endswith('.png'):\n"
            "        shutil.copy(n, 'b')\n"
        ),
        "import glob, os\nlatest = max(glob.glob('*.pt'), key=os.path.getmtime)\n",
        "from pathlib import Path\nlatest = max(Path('a').glob('*.pt'), key=lambda p: p.stat().st_mtime)\n",
        "import glob\nconfig = glob.glob('*.yaml')[0]\n",
        "from pathlib import Path\nconfig = next(Path('a').glob('*.yaml'))\n",
        "import os\nrows = []\nfor n in os.listdir('a'):\n    rows.append(n)\nrows.sort()\nx = rows[2]\n",
        "import os\nrows = []\nfor n in os.listdir('a'):\n    rows.append(n)\nprint(len(rows), set(rows))\n",
        (
            "import os\nfor n in os.listdir('a'):\n    rows = []\n    for x in open(n):\n"
            "        rows.append(x)\n    save(n, rows)\n"
        ),
        (
            "import os\nfor n in os.listdir('a'):\n    if n:\n        rows = read(n)\n"
            "        rows.insert(0, n)\n"
        ),
        (
            "import os, zipfile\nwith zipfile.ZipFile('x') as z:\n    for n in os.listdir('a'):\n"
            "        z.write(n)\n"
        ),
        "import os\nfor n in os.listdir('a'):\n    with open(n, 'w') as out:\n        out.write('x')\n",
        (
            "import os\nfor r, ds, fs in os.walk('a'):\n    ds.sort()\n    for f in sorted(fs):\n"
            "        paths.append(f)\n"
        ),
        "import os\nfor r, ds, fs in os.walk('a'):\n    for f in fs:\n        os.remove(f)\n",
        (
            "import os\npaths = []\nfor r, ds, fs in os.walk('a'):\n    for f in fs:\n"
            "        paths.append(f)\npaths.sort()\n"
        ),
        (
            "import os\ndef find(d, name):\n    for r, _, fs in os.walk(d):\n"
            "        if name in fs:\n            return r\n"
        ),
        "import os\nsize = sum(os.path.getsize(n) for n in os.listdir('a'))\n",
        "import os, torch\nfor n in os.listdir('a'):\n    x = torch.load(n)\n    torch.save(x.half(), n)\n",
        "import fsspec\nfs = fsspec.filesystem('s3')\nfiles = fs.glob('*.png')\nx = files[3]\n",
        "import os\ntable = {n: read(n) for n in os.listdir('a')}\nx = table['b']\n",
        "import os\ndef count(files):\n    return len(files)\ncount(os.listdir('a'))\n",
        "import mine as os\nnames = os.listdir('data')\nx = names[3]\n",
        "import numpy as np, os\nmean = np.mean([size(n) for n in os.listdir('a')])\n",
        (
            "import os\nfor i, n in enumerate(os.listdir('a')):\n    resize(n)\n"
            "    if i % 100 == 0:\n        print(i)\n"
        ),
    ],
)
def test_a_lost_order_is_not_claimed(text: str) -> None:
    assert lines(RULE, text) == []


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("import os\nx = os.listdir('a')[3]\n", "import os\nx = sorted(os.listdir('a'))[3]\n"),
        (
            "from pathlib import Path\nx = list(Path('a').glob('*'))[3]\n",
            "from pathlib import Path\nx = sorted(Path('a').glob('*'))[3]\n",
        ),
        (
            "import os\nfor r, ds, fs in os.walk('a'):\n    for f in fs:\n        paths.append(f)\n",
            "import os\nfor r, ds, fs in os.walk('a'):\n    ds.sort()\n    fs.sort()\n    for f in fs:\n"
            "        paths.append(f)\n",
        ),
        (
            "import os\nfor r, _, fs in sorted(os.walk('a')):\n    paths.extend(fs)\n",
            "import os\nfor r, _, fs in sorted(os.walk('a')):\n    fs.sort()\n    paths.extend(fs)\n",
        ),
        (
            "import os\n_, ds, _ = next(os.walk('a'))\nx = ds[1]\n",
            "import os\n_, ds, _ = next(os.walk('a'))\nds.sort()\nx = ds[1]\n",
        ),
        ("import os\nx = next(os.walk('a'))[1][2]\n", "import os\nx = sorted(next(os.walk('a'))[1])[2]\n"),
        (
            "import os\nfor r, _, fs in os.walk('a'):\n    paths.extend(fs)\n",
            "import os\nfor r, _, fs in os.walk('a'):\n    _.sort()\n    fs.sort()\n    paths.extend(fs)\n",
        ),
        (
            "import os\nfor e in os.scandir('a'):\n    rows.append(e.name)\n",
            (
                "import os\nfor e in sorted(os.scandir('a'), key=lambda entry: entry.name):\n"
                "    rows.append(e.name)\n"
            ),
        ),
        (
            "import os\nwith os.scandir('a') as es:\n    for e in es:\n        rows.append(e.name)\n",
            "import os\nwith os.scandir('a') as es:\n    for e in sorted(es, key=lambda entry: entry.name):\n"
            "        rows.append(e.name)\n",
        ),
        (
            "import glob\nfor n in glob.glob(\n    '*.png',\n):\n    rows.append(n)\n",
            "import glob\nfor n in sorted(glob.glob(\n    '*.png',\n)):\n    rows.append(n)\n",
        ),
    ],
)
def test_its_fix_sorts(text: str, becomes: str) -> None:
    (found,) = findings(RULE, text)
    assert found.hit is not None
    assert found.hit.safe
    assert mended(RULE, text) == becomes
    assert lines(RULE, becomes) == []


HELPER = "import os\ndef images(d):\n    return [n for n in os.listdir(d) if n.endswith('.png')]\n"


@pytest.mark.parametrize(
    ("user", "found"),
    [
        ("from files import images\nnames = sorted(images('a'))\nprint(names[3])\n", 0),
        ("from files import images\nnames = images('a')\nnames.sort()\nprint(names[3])\n", 0),
        ("from files import images\nprint(len(images('a')), 'x' in images('b'))\n", 0),
        ("from files import images\nnames = images('a')\nprint(names[3])\n", 1),
        ("from files import images\ntrain(images('a'))\n", 1),
        ("from files import images\nx = sorted(images('a'))\ny = images('b')[1]\n", 1),
        ("import files\nfor n in files.images('a'):\n    rows.append(n)\n", 1),
    ],
)
def test_a_helper_is_judged_by_its_callers(tmp_path: Path, user: str, found: int) -> None:
    (tmp_path / "files.py").write_text(HELPER)
    (tmp_path / "train.py").write_text(user)
    audit = audit_paths([tmp_path], select=[RULE], cache=False)
    assert [(Path(one.site.file).name, one.site.line) for one in audit.findings if one.site] == [
        ("files.py", 3)
    ] * found


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import os\nif (names := os.listdir(d)):\n    ids = {n: i for i, n in enumerate(names)}\n", 2),
        ("import os\nwhile (names := os.listdir(d)):\n    first = names[3]\n", 2),
        (
            "import glob\nimport pandas as pd\ndf = pd.concat((pd.read_csv(f) for f in glob.glob('*.csv')))\n"
            "train = df.iloc[:9]\n",
            3,
        ),
        (
            "import glob\nimport pandas as pd\ndf = pd.concat(pd.read_csv(f) for f in glob.glob('*.csv'))\n"
            "x = df.to_numpy()[5:]\n",
            3,
        ),
        ("import os\nfiles = os.listdir(d)\nfor i in range(len(files)):\n    ids[files[i]] = i\n", 2),
        (
            "import os\nfiles = os.listdir(d)\nrows = []\nfor i in range(len(files)):\n"
            "    rows.append(load(files[i]))\nx = rows[3]\n",
            2,
        ),
        ("import os\nfiles = os.listdir(d)\nfor i in range(9):\n    use(files[i], labels[i])\n", 2),
        (
            "import os\ndef f(d):\n    tree = {'a': []}\n    for name in os.listdir(d):\n"
            "        tree['a'].append(name)\n    names = sorted(set(tree['b']))\n    return tree, names\n",
            4,
        ),
        (
            "import os\ndef f(d):\n    tree = {'a': []}\n    for name in os.listdir(d):\n"
            "        tree['a'].append(name)\n    labels = sorted(set(x[0] for x in tree['a']))\n"
            "    return [load(x) for x in tree['a']], labels\n",
            4,
        ),
        ("import os, json\njson.dump(os.listdir(d), out)\n", 2),
    ],
)
def test_an_order_that_goes_round_is_found(text: str, line: int) -> None:
    assert lines("directory-order", text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        "import os\nif (names := os.listdir(d)):\n    print(len(names))\n",
        "import os\nif (names := sorted(os.listdir(d))):\n    ids = {n: i for i, n in enumerate(names)}\n",
        (
            "import os\nfiles = [f for f in os.listdir(d) if 'A' in f]\nfor i in range(min(9, len(files))):\n"
            "    name = files[i]\n    write(out + name, load(d + name))\n"
        ),
        "import os\nfiles = os.listdir(d)\nfor i in range(len(files)):\n    os.remove(d + files[i])\n",
        (
            "import os\ndef f(d):\n    tree = {'a': []}\n    for name in os.listdir(d):\n"
            "        tree['a'].append(name)\n    rows = [load(x) for x in tree['a']]\n"
            "    rows = sorted(rows, key=str)\n    return rows\n"
        ),
        (
            "import os\ndef f(d):\n    tree = {'a': []}\n    rows = []\n    def add(x):\n"
            "        rows.append(x)\n    for name in os.listdir(d):\n        tree['a'].append(name)\n"
            "    for x in tree['a']:\n        add(x)\n    rows.sort()\n    a, b = zip(*rows)\n"
            "    return a, b\n"
        ),
        "import glob\nimport pandas as pd\nn = len(pd.concat(pd.read_csv(f) for f in glob.glob('*')))\n",
    ],
)
def test_an_order_that_is_lost_later_is_not_claimed(text: str) -> None:
    assert lines("directory-order", text) == []
