"""Sixty secrets planted where people leave them, and every byte of the run folders searched for them.

The secrets are made from the seed, never written here.  They stand in the source of a script and of a module
it imports, on the command line, in an allowed variable, in an uncommitted diff, in what the program prints
and in the message of the exception that ends it; the program is recorded, verified and let fail.

    python -m benchmarks.trust.secrets --seed 1
"""

from __future__ import annotations

import base64
import gzip
import os
import random
import sqlite3
import string
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.trust.rows import Row, main

_ALNUM = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"


def _some(rng: random.Random, count: int, letters: str = _ALNUM) -> str:
    """Random characters, digits and letters among them."""
    while True:
        made = "".join(rng.choices(letters, k=count))
        if any(c.isdigit() for c in made) and any(c.isalpha() for c in made):
            return made


def _base64(rng: random.Random, size: int) -> str:
    return base64.b64encode(rng.randbytes(size)).decode()


def _jwt(rng: random.Random) -> str:
    parts = (b'{"alg":"HS256"}', b'{"sub":"' + rng.randbytes(9).hex().encode() + b'"}', rng.randbytes(32))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _pem(rng: random.Random) -> str:
    body = _base64(rng, 240)
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    begin = "-----BEGIN " + "RSA PRIVATE KEY-----"
    return "\n".join([begin, *lines, "-----END RSA PRIVATE" + " KEY-----"])


#: The forms of services' keys.
FORMS: dict[str, Callable[[random.Random], str]] = {
    "aws-id": lambda r: "AKIA" + _some(r, 16, string.ascii_uppercase + "234567"),
    "aws-secret": lambda r: _base64(r, 30),
    "github": lambda r: "ghp_" + _some(r, 36),
    "github-fine": lambda r: "github_pat_" + _some(r, 22) + "_" + _some(r, 59),
    "gitlab": lambda r: "glpat-" + _some(r, 20),
    "slack": lambda r: f"xoxb-{_some(r, 12, string.digits + 'a')}-{_some(r, 24)}",
    "stripe": lambda r: "sk_live_" + _some(r, 24),
    "openai": lambda r: f"sk-proj-{_some(r, 74)}T3BlbkFJ{_some(r, 74)}",
    "anthropic": lambda r: f"sk-ant-api03-{_some(r, 93)}AA",
    "hugging-face": lambda r: "hf_" + _some(r, 34),
    "wandb": lambda r: _some(r, 40, _HEX),
    "google": lambda r: "AIza" + _some(r, 35),
    "jwt": _jwt,
    "azure": lambda r: _base64(r, 64),
    "uuid": lambda r: "-".join(_some(r, n, _HEX) for n in (8, 4, 4, 4, 12)),
    "password": lambda r: _some(r, 12) + "!",
    "base36": lambda r: _some(r, 32, string.ascii_lowercase + string.digits),
}


@dataclass(frozen=True, slots=True)
class Plant:
    """One secret and the text it stands in; ``place`` is where that text goes."""

    secret: str
    text: str
    what: str
    place: str

    def parts(self) -> list[bytes]:
        """What must not be found: each line of it, by its less common end."""
        return [line[-12:].encode() for line in self.secret.split("\n") if not line.startswith("-----")]


_SOURCE = (
    ("aws-id", "aws_access_key_id = '{}'"),
    ("aws-secret", "AWS_SECRET_ACCESS_KEY = '{}'"),
    ("github", "clone = 'https://{}@github.com/a/b.git'"),
    ("github-fine", "# the bot pushes with {}"),
    ("gitlab", "headers = {{'PRIVATE-TOKEN': '{}'}}"),
    ("slack", "notify = lambda text: ('{}', text)"),
    ("stripe", "charge = dict(customer=1, api='{}')"),
    ("openai", "client = dict(api_key='{}')"),
    ("anthropic", "ask = f'x-api-key: {} {{1 + 1}}'"),
    ("hugging-face", "login = dict(token='{}')"),
    ("wandb", "os.environ['WANDB_API_KEY'] = '{}'"),
    ("google", "maps = 'https://maps.example.org/?key={}&q=1'"),
    ("jwt", "auth = {{'Authorization': 'Bearer {}'}}"),
    ("azure", "store = 'DefaultEndpointsProtocol=https;AccountName=a;AccountKey={};EndpointSuffix=e'"),
    ("uuid", "heroku_api_key = '{}'"),
    ("password", "password = '{}'"),
    ("password", "db = 'postgresql://trainer:{}@db.example.org:5432/runs'"),
    ("password", "mail = dict(user='a', passwd='{}')"),
    ("base36", "service = dict(url='u', client_secret='{}')"),
    ("wandb", "parser.add_argument('--wandb-key', type=str, default='{}')"),
    ("wandb", "parser.add_argument(\n    '--comet-key',\n    help='of the logger',\n    default='{}',\n)"),
    ("password", "# the password is {}"),
    ("base36", "token: str = '{}'"),
    ("password", "session = dict(auth=('bob', '{}'))"),
    ("pem", "key = '''{}'''"),
)
_FILES = (
    ("password", "config = '''\ndatabase:\n  password: {}\n'''"),
    ("password", "environment = '''\nexport DB_PASSWORD={}\n'''"),
    ("base36", 'settings = \'{{"api_key": "{}"}}\''),
    ("hugging-face", "os.environ.setdefault('HF_TOKEN', '{}')"),
    ("azure", "connect = dict(credential='{}', retries=3)"),
    ("github", "TOKENS = ['{}']"),
    ("wandb", "def login(key='{}'): return key"),
)
_WORDS = (
    ("base36", ("--openai-key", "{}")),
    ("wandb", ("--wandb-key={}",)),
    ("password", ("-p", "{}")),
    ("password", ("--header", "Authorization: Bearer {}")),
    ("base36", ("--header", "Authorization:{}")),
    ("password", ("--login", "bob:{}")),
    ("password", ("--data", "https://data.example.org/x?token={}&part=1")),
    ("password", ("PGPASSWORD={}",)),
    ("password", ("bob:{}@db.example.org",)),
    ("jwt", ("{}",)),
)
_SAID = (
    ("github", "using {}"),
    ("password", "password: {}"),
    ("jwt", "Authorization: Bearer {}"),
    ("wandb", "wandb: logged in with api_key={}"),
    ("password", "connecting to mysql://root:{}@localhost/x"),
    ("base36", "got token '{}' from the server"),
)
_VARIABLES = (("password", "https://user:{}@proxy.example.org"), ("hugging-face", "{}"))


def plants(seed: int) -> list[Plant]:
    """All that is planted, made from ``seed``."""
    rng = random.Random(f"secrets {seed}")
    forms = {**FORMS, "pem": _pem}
    found: list[Plant] = []

    def plant(place: str, form: str, text: str) -> None:
        secret = forms[form](rng)
        found.append(Plant(secret, text.format(secret), f"{form}: {text}", place))

    for form, text in _SOURCE:
        plant("script", form, text)
    for form, text in _FILES:
        plant("module", form, text)
    for form, words in _WORDS:
        plant("argv", form, "\0".join(words))
    for form, text in _VARIABLES:
        plant("variable", form, text)
    for form, text in _SOURCE[15:18]:
        plant("diff", form, text)
    for form, text in _SAID:
        plant("output", form, text)
        plant("exception", form, text)
    plant("output", "pem", "{}")
    return found


_SCRIPT = """import argparse, os, sys
import torch
import settings
parser = argparse.ArgumentParser()
{plants}
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(2):
    model(torch.ones(3, 2)).sum().backward()
    optimizer.step()
os.listdir('.')
os.path.exists({path!r})
if os.environ.get('SAY'):
    print(open(os.environ['SAY']).read())
if os.environ.get('FAIL'):
    raise ValueError(open(os.environ['FAIL']).read())
"""


def prepare(folder: Path, planted: list[Plant]) -> None:
    """A repository with a script, a module, and a line that is not yet committed."""
    by = {place: [p.text for p in planted if p.place == place] for place in {p.place for p in planted}}
    said, failing = folder.parent / "said", folder.parent / "failing"
    said.write_text("\n".join(by["output"]))
    failing.write_text("\n".join(by["exception"]))
    path = next(word for word in "\0".join(by["argv"]).split("\0") if word.startswith("https"))
    (folder / "train.py").write_text(_SCRIPT.format(plants="\n".join(by["script"]), path=path))
    module = "import os\n" + "\n".join(by["module"]) + "\nos.path.exists('x')\n"
    (folder / "settings.py").write_text(module)
    (folder / "notes.py").write_text("x = 1\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], cwd=folder, check=True, capture_output=True)
    (folder / "notes.py").write_text("x = 1\n" + "\n".join(by["diff"]) + "\n")


def samebits(folder: Path, planted: list[Plant], *words: str, **environment: str) -> None:
    """Run a command of samebits on the script, with the planted arguments and variables."""
    variables = [p.text for p in planted if p.place == "variable"]
    source = Path(__file__).resolve().parents[2] / "src"
    search = os.pathsep.join(filter(None, (str(source), os.environ.get("PYTHONPATH"))))
    given = {"NCCL_NET": variables[0], "TORCH_NOTE": variables[1], "PYTHONPATH": search}
    argv = [word for p in planted if p.place == "argv" for word in p.text.split("\0")]
    subprocess.run(
        [sys.executable, "-m", "samebits", *words, "train.py", *argv],
        cwd=folder,
        env={**os.environ, **given, **environment},
        capture_output=True,
        timeout=300,
        check=False,
    )


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every byte under a folder: files as they are, inflated, and the cells of databases."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        yield path.name, data
        if path.suffix == ".gz":
            yield path.name, gzip.decompress(data)
        if path.suffix == ".db":
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
                for table in tables:
                    for row in connection.execute(f"SELECT * FROM {table}"):
                        for cell in row:
                            blob = cell if isinstance(cell, bytes) else str(cell).encode("utf-8", "replace")
                            yield f"{path.name} {table}", blob
                            with suppress(zlib.error):
                                yield f"{path.name} {table}", zlib.decompress(blob)


def found(folder: Path, planted: list[Plant]) -> list[str]:
    """What is found of the secrets, and where."""
    hits: dict[str, None] = {}
    pieces = [(part, plant) for plant in planted for part in plant.parts()]
    for where, data in contents(folder):
        for part, plant in pieces:
            if part in data:
                hits[f"{plant.place} ({plant.what!r}) stands in {where}"] = None
    return list(hits)


def run(count: int | None, seed: int, folder: Path) -> list[Row]:
    """Plant, run three times, and search.  ``count``: so many seeds; 1."""
    hits: list[str] = []
    tried = 0
    for number in range(count or 1):
        planted = plants(seed + number)
        work = folder / f"secrets-{number}" / "work"
        work.mkdir(parents=True)
        prepare(work, planted)
        say, fail = str(work.parent / "said"), str(work.parent / "failing")
        samebits(work, planted, "record", "--level", "op")
        samebits(work, planted, "record", FAIL=fail)
        samebits(work, planted, "verify", SAY=say)
        kept = work / ".samebits"
        runs = [path for path in kept.iterdir() if (path / "run.json").is_file()] if kept.is_dir() else []
        if len(runs) < 4:
            hits.append(f"only {len(runs)} of 4 runs were kept")
        tried += len(planted)
        hits += found(kept, planted)
    return [Row("secrets planted, and found in what is kept", tried, len(hits), "\n".join(hits))]


if __name__ == "__main__":
    sys.exit(main(run, __doc__))
