"""PYTHONHASHSEED is set inside the program, where it has no effect."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from samebits.model.cause import Cause
from samebits.model.rule import Hit, Rule
from samebits.source.module import Module, is_constant, last_name

_FIX = """\
# PYTHONHASHSEED=0 python train.py   (in the shell, before Python starts), or start the program anew:
if os.environ.get("PYTHONHASHSEED") != "0":
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable, *sys.argv])"""
_NAME: Final = "PYTHONHASHSEED"
#: What starts a Python that reads the variable, by full name or its beginning.
_STARTS: Final = (
    "os.exec", "os.spawn", "os.posix_spawn", "os.system", "os.popen", "subprocess.",
    "torch.multiprocessing.spawn",
    "torch.multiprocessing.start_processes", "multiprocessing.set_start_method",
    "multiprocessing.get_context",
    "torch.multiprocessing.set_start_method", "torch.multiprocessing.get_context",
    "asyncio.create_subprocess",
)  # fmt: skip


def rule(module: Module) -> Iterator[Hit]:
    if _NAME not in module.text:
        return
    for node in _set(module):
        if not _starts(module, node):
            yield Hit(
                module.place(node),
                f"{_NAME} is set while this process already hashes by another salt: it has no effect here.",
                _FIX,
            )


def _set(module: Module) -> Iterator[ast.stmt | ast.expr]:
    """What sets the variable in this process."""
    for node in module.every(ast.Assign):
        for target in node.targets:
            if not isinstance(target, ast.Subscript) or not _is_name(module, target.slice):
                continue
            if module.names.qualified(target.value) == "os.environ":
                yield node
    for call, name, _ in module.calls:
        if name in ("os.putenv", "os.environ.setdefault", "os.environ.__setitem__"):
            if call.args and _is_name(module, call.args[0]):
                yield call
        elif (name == "os.environ.update" and any(_has(module, each) for each in call.args)) or (
            name == "os.environ.update" and any(given.arg == _NAME for given in call.keywords)
        ):
            yield call


def _is_name(module: Module, node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        values = module.names.values(node) or ()
        return len(values) == 1 and is_constant(values[0], _NAME)
    return is_constant(node, _NAME)


def _has(module: Module, node: ast.expr) -> bool:
    if isinstance(node, ast.Dict):
        return any(key is not None and _is_name(module, key) for key in node.keys)
    return (
        isinstance(node, ast.Call)
        and last_name(node.func) == "dict"
        and any(given.arg == _NAME for given in node.keywords)
    )


def _starts(module: Module, node: ast.AST) -> bool:
    """Whether another Python is started that reads it."""
    here = module.function(node)
    for call, name, _ in module.calls:
        if name is None or not name.startswith(_STARTS):
            continue
        if name.startswith(("os.exec", "os.spawn", "os.posix_spawn")) or module.function(call) is here:
            return True
        if "set_start_method" in name or "spawn" in name:
            return True
    return False


CAUSE = Cause(
    name="late-hash-seed",
    title="PYTHONHASHSEED is set too late",
    what='`os.environ["PYTHONHASHSEED"] = "0"` in the program itself, which is not started anew behind it.',
    why="Python reads the variable once, as it starts. In this process text is hashed by the salt that "
    "was drawn "
    "then, so sets of text have another order in every run, while the line says that they do not.",
    fix=_FIX,
    sources=(
        "https://docs.python.org/3/using/cmdline.html#envvar-PYTHONHASHSEED",
        "https://docs.python.org/3/reference/datamodel.html#object.__hash__",
    ),
    rule=Rule(file=rule),
    invalid=(
        "import os\nimport random\n\n\ndef seed_all(seed):\n    random.seed(seed)\n"
        '    os.environ["PYTHONHASHSEED"] = str(seed)\n',
        'import os\n\nos.environ.setdefault("PYTHONHASHSEED", "0")\n',
    ),
    valid=(
        'import os\nimport sys\n\nif os.environ.get("PYTHONHASHSEED") != "0":\n'
        '    os.environ["PYTHONHASHSEED"] = "0"\n    os.execv(sys.executable, [sys.executable, *sys.argv])\n',
        'import os\nimport subprocess\nimport sys\n\nenvironment = {**os.environ, "PYTHONHASHSEED": "0"}\n'
        'subprocess.run([sys.executable, "train.py"], env=environment, check=True)\n',
    ),
)
