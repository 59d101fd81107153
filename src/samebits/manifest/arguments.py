"""A command line without its secrets: what an option for a key is given, and what looks like one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from samebits.manifest.secrets import LEFT_OUT, ORDINARY, PASSWORDS, redact, secret_value

#: Wider than what `secrets` looks for in a text: an option's value stands alone and is of no use elsewhere.
_OPTION: Final = re.compile(
    r"(?i)(?:^|[-_.])(?:\w*key|keys|\w*token|\w*secrets?|\w*passwords?|passwd|pass|pwd|pw|pat|passphrase"
    r"|auth\w*|login"
    r"|credentials?|creds?|bearer|cookies?|headers?)(?:$|[-_.])"
)
_OPTION_WORD: Final = re.compile(r"[-+~]{0,3}[\w./\[\]-]+")
_OPTION_ORDINARY: Final = re.compile(r"(?i)^(?:author\w*|monkey|turkey|hotkey)$")
_PLAIN_VALUE: Final = re.compile(
    r"(?i)[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?|<[^<>]*>|\[[^\[\]]*\]|true|false|none|null|yes|no|auto|on|off"
)

#: What runs the kernel of a notebook.
_KERNEL: Final = re.compile(r"(?:^|[/\\])ipykernel(?:_launcher)?(?:\.py|[/\\]__main__\.py)?$")
#: What stands in the place of the file by which a kernel is reached.
CONNECTION: Final = "<connection file>"


def connection_file(argv: Sequence[str]) -> str | None:
    """The file by which a kernel is reached, if this is a kernel's command: it is made anew for each."""
    kernel = any(map(_KERNEL.search, argv)) and "-f" in argv[:-1]
    return argv[argv.index("-f") + 1] if kernel else None


def alike(argv: Sequence[str]) -> list[str]:
    """A command line as it is in every run: without the name of a kernel's connection file."""
    connection = connection_file(argv)
    return [CONNECTION if word == connection else word for word in argv]


def redacted(argv: Sequence[str]) -> list[str]:
    """A command line without its secrets: what an option for a key is given, and what looks like one."""
    words: list[str] = []
    hide: str | None = None  # the option whose value comes next
    for word in argv:
        given, hide = hide, None
        if given is not None and not word.startswith("--"):
            if not _hidden(given, word):
                words.append(_word(word))
            else:
                words.append(LEFT_OUT)
                hide = given if given.endswith("s") and len(given) > 2 else None  # --api-keys A B
            continue
        name, equals, value = word.partition("=")
        bare = name.lstrip("-+")
        equals = equals if _OPTION_WORD.fullmatch(name) else ""
        if equals and _option(bare):
            words.append(f"{name}={LEFT_OUT}" if value and _hidden(name, value) else word)
        elif equals and not secret_value(name):
            words.append(f"{name}={_word(value)}")
        elif re.fullmatch(r"-[A-Za-z]", word):
            words.append(word)
            hide = word
        elif re.match(r"-p[^-=]{6,}", word) and _password(word[2:]):
            words.append(f"-p{LEFT_OUT}")
        elif word.startswith("-") and not equals and _option(bare):
            words.append(word)
            hide = word
        else:
            words.append(_word(word))
    return words


def _option(name: str) -> bool:
    return _OPTION.search(name) is not None and not _OPTION_ORDINARY.match(name)


def _hidden(option: str, value: str) -> bool:
    """Whether the value of an option is left out."""
    if re.fullmatch(r"-[A-Za-z]", option):
        return secret_value(value) or (option[1] in "pPkKaAuUW" and _password(value))
    name = option.lstrip("-+")
    if re.search(rf"(?i)(?:{PASSWORDS}|api[-_.]?key|access[-_.]?key|private[-_.]?key)", name):
        return True
    return not _PLAIN_VALUE.fullmatch(value) and (not ORDINARY.search(name) or secret_value(value))


def _password(value: str) -> bool:
    """Whether a word has the form of a password: letters and digits or signs, and no path."""
    if len(value) < 6 or re.search(r"[/\\\s]|\.\w{1,5}$", value) or not re.search(r"[A-Za-z]", value):
        return False
    return ":" in value or re.search(r"\d|[^\w.,=-]", value) is not None


def _word(word: str) -> str:
    """One word that no option announces."""
    if re.fullmatch(r"[^\s/@:]*:[^\s/@]+@[\w.-]+(?::\d+)?(?:/\S*)?", word) or secret_value(word):
        return LEFT_OUT
    header = re.match(r"(?P<name>[A-Za-z][\w-]*):\s*\S", word)
    if header and _option(header["name"]) and not _PLAIN_VALUE.fullmatch(word[header.end() - 1 :]):
        return f"{header['name']}: {LEFT_OUT}"
    if re.search(r"\s", word):  # a command or a source inside one word
        parts = re.split(r"(\s+)", redact(word))
        parts[::2] = redacted(parts[::2])
        return "".join(parts)
    return redact(word)
