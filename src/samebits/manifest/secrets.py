"""What looks like a secret and is therefore never kept: in a variable, a source, an output.

The allow-list of variables is the first fence; this is the second, for what people paste where it does not
belong.  Three kinds of evidence count: the form of known services' keys (`detector`, by the rules of
gitleaks), the name beside a value ("password", "api_key", "Authorization"), and chance: a text that looks
random where a key may stand.  It errs towards leaving out; digests, commits and uuids stay, since training
scripts are full of them, unless something near them speaks of a key.  Command lines have rules of their own
(`arguments`).

Only the secret itself is replaced, and never a line: reports show sources by line number.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Final

from samebits._runtime.text import LEFT_OUT as LEFT_OUT
from samebits.manifest import detector
from samebits.manifest.detector import Span, random_looking

# -- names -------------------------------------------------------------------------------------------------

PASSWORDS: Final = "password|passwd|passphrase|passcode|pwd|secret|credential|cred"
_KEYS: Final = (
    "api[-_. ]?key|(?:access|private|secret|account|auth|signing|encryption|license|master)[-_. ]?key"
    "|(?:wandb|openai|anthropic|hf|aws|azure|gcp|comet|neptune|clearml|mlflow|ssh|service|bearer|client)"
    "[-_. ]?(?:api[-_. ]?)?(?:key|token|secret)|connection[-_. ]?string|authorization|bearer"
)
_TOKENS: Final = "token|auth|cookie"
#: A word of a name that says: what follows may be secret.
_WORD: Final = re.compile(
    rf"(?:(?<![A-Za-z])|(?<=[a-z0-9])(?=[A-Z]))"
    rf"(?:(?P<password>(?i:{PASSWORDS}|pass(?=[\"'\]=:\s])))"
    rf"|(?P<key>(?i:{_KEYS}))|(?P<token>(?i:{_TOKENS})))"
    rf"(?i:s(?![a-z]))?(?![a-z])"
    rf"|(?P<joined>(?i:password|passwd|passphrase|apikey|authtoken|accesstoken|secretkey))(?![a-z])"
)
#: One of these is in every such word.
_HINTS: Final = (
    "pass", "pwd", "secret", "cred", "key", "token", "auth", "cookie", "bearer", "connection", "login", "sas",
    "dsn",
)  # fmt: skip
#: Beside such a word, what makes it an ordinary one: the tokens and keys of models and of dictionaries.
ORDINARY: Final = re.compile(
    r"(?i)(?:^|[-_. ])(?:bos|eos|pad|unk|mask|sep|cls|sot|eot|image|img|audio|video|text|prompt|special|next"
    r"|stop|start|begin|end|max|min|num|n|per|total|count|len|length|dim|size|type|types|id|ids|idx|index|indices|level"
    r"|emb|embed|embedding|embeddings|classification|class|drop|dropout|vocab|merge|mix|mixer|shift|sort|cache"
    r"|query|value|head|heads"
    r"|pos|position|positions|count|counts|prob|ratio|label|metric|dict|column|col|field|name|names|file|path"
    r"|added|extra|bpe|word|sub|input|output|new|draft)(?=$|[-_. ])"
)
_NAME: Final = re.compile(
    r"(?i)(?:^|[-_.])(?:api[-_]?keys?|access[-_]?keys?|private[-_]?keys?|secrets?|token|passwords?|passwd|pwd"
    r"|passphrase|credentials?|auth|authorization|bearer|cookie)(?:$|[-_.])"
)

# -- values ------------------------------------------------------------------------------------------------

#: Forms of keys, wider than the rules of `detector`, which want the exact length of a service's present ones.
_FORMS: Final = re.compile(
    r"\b(?:sk|pk|rk)[-_](?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{16,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bgl[a-z]{2,5}-[A-Za-z0-9_.-]{16,}"
    r"|\b(?:api_org|hf)_[A-Za-z0-9]{20,}|\bxox[a-z]-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}"
    r"|\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{12,}|\bAIza[A-Za-z0-9_-]{30,}|\bya29\.[A-Za-z0-9_-]{20,}"
    r"|\bwandb_v\d_[A-Za-z0-9_]{16,}|\bwhsec_[A-Za-z0-9]{16,}|\bnpm_[A-Za-z0-9]{20,}"
    r"|\bpypi-[A-Za-z0-9_-]{16,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"
)
#: A secret after something that says so: its groups are the secrets.
_AFTER: Final = re.compile(
    r"://[^/\s:@\"'<>]*:(?P<url>[^/\s@\"'<>]+)@"
    r"|[?&;](?i:[\w.-]*(?:key|token|secret|password|passwd|pwd|auth|sig|signature|credential|code))="
    r"(?P<query>[^&\s'\"#;<>]{4,})"
    r"|(?i:\b(?:accountkey|sharedaccesskey|sharedaccesssignature|sig|pwd))=(?P<azure>[^;&\s\"'<>]{6,})"
    r"|(?i:\b(?:bearer|basic)\s+)(?P<bearer>(?=[A-Za-z0-9._~+/=:-]*[0-9=])[A-Za-z0-9._~+/=:-]{12,})"
    r"|(?i:\bauthorization[\"']?\s*[:=,]\s*[\"']?(?:[a-z]+\s+)?)"
    r"(?P<header>(?=[A-Za-z0-9._~+/=:-]*[0-9])[A-Za-z0-9._~+/=:-]{8,})"
    r"|(?<![\w/@.:-])[\w.+-]+:(?P<host>(?=[^\s/@:]*[^\s/@:\w.-]|[^\s/@:]*\d)"
    r"[^\s/@:\"'()\[\]{}]{4,})@[\w-]+(?:\.[\w-]+)*"
)
_PEM: Final = re.compile(
    r"-----BEGIN[ A-Z0-9_-]{0,60}PRIVATE KEY[ A-Z]{0,20}-----"
    r"(?:(?:(?!-----BEGIN)[\s\S]){0,20000}?-----END[ A-Z0-9_-]{0,80}-----"
    r"|(?:\s*[^\s]{16,}[ \t]*(?=\n|\Z)){0,400})"
)
_RUN: Final = re.compile(r"[A-Za-z0-9+/_~=.-]{16,}")
_PATH: Final = re.compile(r"[=@]|(?i:bearer)")
_HEX: Final = re.compile(r"(?i)[0-9a-f]{32,}")
_QUOTED: Final = re.compile(r"(?P<quote>[\"'])(?P<value>(?:(?!(?P=quote))[^\\\n]|\\.)*)(?P=quote)")
_ASSIGNED: Final = re.compile(
    r"[\w-]*[\"']?\]?\)?\s*(?::\s*[A-Za-z][\w\[\]., |]{0,40}?\s*(?==))?(?:==?|:=?|=>|,|\(|=\s*\()\s*"
    r"(?:[\w.]*(?:default|value|str|SecretStr)\s*[=(]\s*)?[rbfuRBFU]{0,2}(?=[\"'])"
)
#: A password that a message quotes: ``login failed for password 'x'``.
_SAID: Final = re.compile(r"\s+(?=[\"'])")
#: A line that ends where a value has to follow, and the line of the value; one may stand in a long string.
_OPENED: Final = re.compile(
    r"[\w-]*[\"']?\]?\s*(?:==?|:=?|=>|,|\(|=\s*\()\s*[rbfuRBFU]{0,2}(?:\"{3}|'{3})?\\?\s*(?:#.*)?$"
)
_FOLLOWS: Final = re.compile(r"\s*[rbfuRBFU]{0,2}(?=[\"'])")
_LONG_STRING: Final = re.compile(r"\s*(?P<value>[^\s\"']{6,})\s*(?:\"{3}|'{3})")
_BARE: Final = re.compile(
    r"[\w-]*[\"'\]]{0,2}\s*(?:==?|:=?|->|=>|\bis\b|\bwas\b)?\s*(?P<value>[^\s\"'`,;(){}\[\]<>]{6,})"
)
_LINE: Final = re.compile(
    r"^[+\- ]?\s*(?:export\s+|-\s+)?(?P<name>[\w.-]+)(?P<sign>=|:[ \t]+)(?P<value>\S{4,})\s*(?:#.*)?$"
)
_TYPES: Final = re.compile(
    r"(?:b?float|u?int|complex|e\dm\d)\d*\w*|str|bytes|bool"
    r"|(?:True|False|None),?|Any|self\..*|0[xX][0-9a-fA-F]+"
)
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][\w.]*(?:\[.*|\(.*)?,?")
_TEMPLATE: Final = re.compile(
    r"[\s\W]*|\$.*|\{.*\}|%\(?\w*\)?s?|<.*>|\[.*\]|\*+|x+|X+|\.+"
    r"|(?i:your|my)?[-_ ]?(?i:api)?[-_ ]?(?i:key|token)"
)
_ALNUM: Final = re.compile(r"(?=.*\d)(?=.*[A-Za-z])")
#: A line speaks for so many that follow it: an option and its default, a key and its value.
_REACH: Final = 2
_DECLARED: Final = re.compile(
    r"[\"']--?(?P<name>[\w-]*(?:key|token|secret|passw(?:or)?d|auth|login|credentials?))[\"']"
)
_NEAR: Final = re.compile(r"(?i)(?<![a-z])(?:key|login|sas|dsn)(?![a-z])|Key\b")


def secret_name(name: str) -> bool:
    """Whether a variable of this name may hold a secret."""
    return _NAME.search(name) is not None


def secret_value(text: str) -> bool:
    """Whether a value that stands alone looks like a key, a token or a password."""
    if any(True for _ in _known(text)):
        return True
    return any(
        (len(run[0]) >= 40 and _ALNUM.match(run[0]) and "/" not in run[0] and random_looking(run[0]))
        or _HEX.fullmatch(run[0])
        or _unlikely(run[0])
        for run in _RUN.finditer(text)
    )


def redact(text: str) -> str:
    """The text without its secrets, with as many lines as before."""
    found = sorted({*_known(text), *_by_name(text), *_by_chance(text)})
    if not found:
        return text
    made: list[str] = []
    at = 0
    for start, stop in found:
        start = max(start, at)
        if start < stop:
            made += (text[at:start], LEFT_OUT, "\n" * text.count("\n", start, stop))
            at = stop
    return "".join((*made, text[at:]))


def redact_path(path: str) -> str:
    """A path or address without the secrets whose form is known; digests in it are names of files."""
    if not _PATH.search(path) and not any(random_looking(run[0]) for run in _RUN.finditer(path)):
        return path
    return redact(path) if any(True for _ in _known(path)) else path


def redact_data(value: Any) -> Any:
    """Plain data with every text in it redacted."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: redact_data(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact_data(inner) for inner in value]
    return value


# -- the three kinds of evidence ---------------------------------------------------------------------------


def _known(text: str) -> Iterator[Span]:
    """Secrets whose form, or what stands directly before them, gives them away."""
    yield from detector.spans(text)
    yield from (found.span() for found in _FORMS.finditer(text))
    for found in _AFTER.finditer(text):
        value = found[found.lastgroup or 0]
        if not _TEMPLATE.fullmatch(value):
            yield found.span(found.lastgroup or 0)
    if "PRIVATE KEY" in text:
        yield from (found.span() for found in _PEM.finditer(text))


def _lines(text: str) -> tuple[list[str], list[int]]:
    lines = text.split("\n")
    starts = [0]
    for line in lines[:-1]:
        starts.append(starts[-1] + len(line) + 1)
    return lines, starts


def _hinted(lower: str, starts: list[int]) -> set[int]:
    """The numbers of the lines that may name a secret; most lines of most texts are none of them."""
    found: set[int] = set()
    for hint in _HINTS:
        at = lower.find(hint)
        while at >= 0:
            number = bisect_right(starts, at) - 1
            found.add(number)
            at = lower.find(hint, starts[number + 1]) if number + 1 < len(starts) else -1
    return found


_LONG: Final = 2000  # a longer line is looked at in pieces, each over half of the next


def _by_name(text: str) -> Iterator[Span]:
    """Values that are assigned to, passed as, or written behind a name of a secret."""
    lower = text.lower()
    if not any(hint in lower for hint in _HINTS):
        return
    lines, starts = _lines(text)
    hinted = _hinted(lower, starts) if len(lower) == len(text) else set(range(len(lines)))
    spoken = -_REACH - 1  # the last line that speaks of a secret
    default, sure = -5, False  # the last line that declares an option for one
    opened, kind = -2, ""  # the last line that ends where a value has to follow, and of what
    for number, (line, start) in enumerate(zip(lines, starts, strict=True)):
        if len(line) > _LONG and len(text) > _LONG:  # what follows takes the square of a line's length
            for at in range(0, len(line), _LONG // 2):
                yield from ((start + at + a, start + at + b) for a, b in _by_name(line[at : at + _LONG]))
            continue
        if number not in hinted and number - max(spoken + _REACH, default + 4) > 0:
            continue
        if number == opened + 1:
            yield from ((start + a, start + b) for a, b in _following(line, kind))
        words = [word for word in _WORD.finditer(line) if not _ordinary(line, word)]
        for word in words:
            yield from ((start + a, start + b) for a, b in _beside(line, word))
            if _OPENED.match(line, word.end()):
                opened, kind = number, _kind(word)
        if words or _NEAR.search(line):
            spoken = number
        if (option := _DECLARED.search(line)) and not ORDINARY.search(option["name"]):
            default, sure = number, bool(words)
        given = re.search(r"\bdefault\s*=\s*[rbfu]{0,2}(?=[\"'])", line) if number - default <= 4 else None
        if given is not None:
            quoted = _QUOTED.match(line, given.end())
            if quoted is not None and not _harmless(quoted["value"], "token", strict=not sure):
                yield start + quoted.start("value"), start + quoted.end("value")
        if number - spoken <= _REACH:
            for run in _RUN.finditer(line):
                value = run[0].strip(".=-/") if _HEX.fullmatch(run[0].strip(".=-/")) else run[0]
                if _HEX.fullmatch(value):
                    likely = number == spoken  # a digest, unless the very line speaks of a key
                else:
                    likely = random_looking(value, least=16) and "/" not in value[:2]
                if likely:
                    yield start + run.start(), start + run.end()


def _ordinary(line: str, word: re.Match[str]) -> bool:
    """Whether the name that a word is part of is an ordinary one, such as `pad_token`."""
    if word["token"] is None:
        return False
    left = re.search(r"[\w.-]*$", line[: word.start()])
    right = re.match(r"[\w-]*", line[word.end() :])
    assert left is not None
    assert right is not None
    before = left[0].rpartition(".")[2]
    return bool(ORDINARY.search(before) or ORDINARY.search(right[0]) or word[0].lower() == "tokens")


def _kind(word: re.Match[str]) -> str:
    return "password" if word["password"] or word["joined"] else "key" if word["key"] else "token"


def _following(line: str, kind: str) -> Iterator[Span]:
    """The value at the beginning of a line, where the line before was to be followed by one."""
    if quoted := _FOLLOWS.match(line):
        yield from _quoted(line, quoted.end(), kind)
    elif (held := _LONG_STRING.match(line)) and not _harmless(held["value"], kind):
        yield held.span("value")


def _beside(line: str, word: re.Match[str]) -> Iterator[Span]:
    kind = _kind(word)
    if assigned := _ASSIGNED.match(line, word.end()):
        yield from _quoted(line, assigned.end(), kind, all_of_them="(" in assigned[0] or kind == "password")
        return
    if kind == "password" and (said := _SAID.match(line, word.end())):
        yield from ((a, b) for a, b in _quoted(line, said.end(), kind) if _ALNUM.match(line[a:b]))
    whole = _LINE.match(line)
    if whole and whole.start("name") <= word.start() < whole.end("name"):
        value = whole["value"]
        shell = whole["sign"] == "=" and whole["name"].isupper() and not value.startswith(("$", "(", "os."))
        yaml = (
            whole["sign"] != "=" and not _IDENTIFIER.fullmatch(value) and not value.endswith((",", ")", "]"))
        )
        if (shell or yaml) and not _TEMPLATE.fullmatch(value.strip("\"'")) and not _TYPES.fullmatch(value):
            if len(value) >= 4 and not value.replace(".", "").isdigit():
                yield whole.span("value")
            return
    if bare := _BARE.match(line, word.end()):
        value = bare["value"].rstrip(".:")
        changes = len(re.findall(r"(?<=\d)(?=[A-Za-z])|(?<=[A-Za-z])(?=\d)", value))
        likely = random_looking(value) or (
            changes >= 1 and not _IDENTIFIER.fullmatch(value) and "=" not in value
        )
        if kind != "token":
            likely = likely or (changes >= 1 and len(value) >= 8 and "." not in value and "_" not in value)
        if _ALNUM.match(value) and likely and not _TYPES.fullmatch(value):
            yield bare.span("value")


def _quoted(line: str, at: int, kind: str, *, all_of_them: bool = False) -> Iterator[Span]:
    """The quoted value at a place, if it may be a secret; and of a call or a list, the following ones."""
    for number, found in enumerate(_QUOTED.finditer(line, at)):
        if number == 0 and found.start() != at:
            return
        value = found["value"]
        if not _harmless(value, kind if number == 0 else "token", strict=number > 0):
            yield found.span("value")
        if not all_of_them:
            return


def _harmless(value: str, kind: str, *, strict: bool = False) -> bool:
    """Whether a text that is given to a name of a secret is none: empty, a template, a name, a sentence."""
    if len(value) < (4 if kind == "password" else 6) or _TEMPLATE.fullmatch(value) or _TYPES.fullmatch(value):
        return True
    if strict:
        return (
            " " in value
            or not _ALNUM.match(value)
            or (_IDENTIFIER.fullmatch(value) is not None and "_" in value)
        )
    if " " in value:
        return (
            kind != "password"
            or value.rstrip().endswith((":", "?", ".", "!"))
            or "%" in value
            or "{" in value
        )
    if _WORD.search(value) and not _ALNUM.match(value):  # "access_token", "HF_TOKEN", "--password"
        return True
    return value.startswith(("-", "http://", "https://", "/", "./")) and not random_looking(value)


def _by_chance(text: str) -> Iterator[Span]:
    """Long texts that nothing names and that look random; hexadecimal ones are digests."""
    for run in _RUN.finditer(text):
        if "//" not in run[0]:
            if _unlikely(run[0]):
                yield run.span()
        else:  # an address: its parts one by one
            for part in re.finditer(r"[^/.=]+", run[0]):
                if _unlikely(part[0]):
                    yield run.start() + part.start(), run.start() + part.end()


def _unlikely(run: str) -> bool:
    """Whether a run of characters is of all classes, in the disorder of a key."""
    classes = (any(map(test, run)) for test in (str.islower, str.isupper, str.isdigit))
    return len(run) >= 32 and all(classes) and not _HEX.fullmatch(run) and random_looking(run, least=28)
