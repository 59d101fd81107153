"""`[tool.samebits]` in pyproject.toml: options that are used every time.

    [tool.samebits]
    out = "runs"            # for every command that has --out; the folder is beside pyproject.toml
    seed = 7

    [tool.samebits.verify]
    steps = 100             # for `samebits verify` alone

The file is the nearest pyproject.toml with such a table: in the working folder, or in a folder above it as
far as the one that holds `.git`.  Outside a repository only the working folder counts, so that nobody else's
file does.  The command line wins over a command's table, and that over `[tool.samebits]`.
`samebits --no-config` reads none.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from samebits.errors import UsageError

#: The options that may stand there, by their long names.
KEYS: Final = (
    *("out", "seed", "deterministic", "portable", "level", "steps", "runs", "timeout", "python"),
    *("device", "older", "keep", "size", "select", "ignore", "exclude", "baseline"),
)
_FILE: Final = "pyproject.toml"
_LARGEST: Final = 4 << 20
#: Where a context keeps which file was read and what it set, for `-v`.
READ: Final = "samebits.config"


def configured(group: click.Group, ctx: click.Context, name: str) -> dict[str, Any]:
    """The values that pyproject.toml gives the options of the command `name`.

    Raises:
        UsageError: a key that is no option, or a value that the option does not take.
    """
    found = find(Path.cwd())
    if found is None:
        return {}
    path, table = found
    commands = {one: _options(group.get_command(ctx, one)) for one in group.list_commands(ctx)}
    known = {key for options in commands.values() for key in options}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key in commands and isinstance(value, dict):
            for inner in value:
                if inner not in commands[key]:
                    raise _error(path, f"tool.samebits.{key}", inner, _unknown(inner, commands[key]))
        elif key in commands:
            raise _error(
                path, "tool.samebits", key, f"expected a table, [tool.samebits.{key}], got {value!r}"
            )
        elif key not in known:
            raise _error(path, "tool.samebits", key, _unknown(key, known | set(commands)))
    mine = commands.get(name, {})
    own: Any = table.get(name)
    if not isinstance(own, dict):
        own = {}
    for where, given in (("tool.samebits", table), (f"tool.samebits.{name}", own)):
        for key in given:
            if key in mine:
                option = mine[key]
                assert option.name is not None
                values[option.name] = _value(path, where, key, given[key], option, ctx)
    if values:
        ctx.meta[READ] = (path, tuple(values))
    return values


def find(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The nearest file with our table, and the table.

    Raises:
        UsageError: a file that seems to have one cannot be read.
    """
    above = [folder, *folder.parents]
    root = next((number for number, one in enumerate(above) if (one / ".git").exists()), 0)
    for one in above[: root + 1]:
        path = one / _FILE
        try:
            if not path.is_file() or path.stat().st_size > _LARGEST:
                continue
            text = path.read_bytes()
            if b"samebits" not in text:
                continue
            data = tomllib.loads(text.decode())
        except OSError:
            continue
        except (ValueError, RecursionError) as error:
            raise UsageError(
                f"{path} cannot be read: {error}; samebits looks for [tool.samebits] in it."
            ) from error
        tool = data.get("tool")
        table = tool.get("samebits") if isinstance(tool, dict) else None
        if isinstance(table, dict):
            return path, table
        if table is not None:
            raise UsageError(f"{path}: tool.samebits must be a table, [tool.samebits], got {table!r}.")
    return None


def _options(command: click.Command | None) -> dict[str, click.Option]:
    assert command is not None
    every = [option for option in command.params if isinstance(option, click.Option)]
    named = {name[2:]: option for option in every for name in option.opts if name.startswith("--")}
    return {name: option for name, option in named.items() if name in KEYS}


def _value(path: Path, where: str, key: str, value: Any, option: click.Option, ctx: click.Context) -> Any:
    kind = option.type
    if option.is_flag:
        fits, expected = isinstance(value, bool), "true or false"
    elif isinstance(kind, click.types.FloatParamType):
        fits, expected = isinstance(value, int | float) and not isinstance(value, bool), "a number"
    elif isinstance(kind, click.types.IntParamType) or kind.name == "seed":
        fits, expected = isinstance(value, int) and not isinstance(value, bool), "a whole number"
    elif kind.name == "names":
        fits = isinstance(value, str) or (isinstance(value, list) and all(isinstance(w, str) for w in value))
        expected = "a list of texts"
    else:
        fits, expected = isinstance(value, str) and value != "", "a text"
    if not fits:
        raise _error(path, where, key, f"expected {expected}, got {value!r}")
    if option.is_flag or kind.name == "names":
        return value if option.is_flag or isinstance(value, list) else [value]
    if isinstance(kind, click.Path):
        value = str(path.parent / value)
    try:
        converted = kind.convert(value, option, ctx)
        return converted if option.callback is None else option.callback(ctx, option, converted)
    except click.BadParameter as error:
        raise _error(path, where, key, error.message.rstrip(".")) from error


def _unknown(key: str, known: Mapping[str, Any] | set[str]) -> str:
    import difflib

    near = difflib.get_close_matches(key, known, 1)
    return "there is no such option" + (
        f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(known))}"
    )


def _error(path: Path, where: str, key: str, what: str) -> UsageError:
    return UsageError(f"{path}: [{where}] {key}: {what}")


def read_from(ctx: click.Context) -> str | None:
    """Which file set what, in words for `-v`; None: none did."""
    if READ not in ctx.meta:
        return None
    path, names = ctx.meta[READ]
    return f"{', '.join(names)} from {path}"
