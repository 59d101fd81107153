"""Found first on the path of every Python started below a run of ours; attaches control, observer and mirror.

Python imports `sitecustomize` by itself at start-up.  The one this file hides is run afterwards.

samebits may be installed in another environment than the program's.  Then it is loaded from there, and
xxhash too where the program has none; nothing else of that environment can be imported here.
"""

import importlib.machinery
import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != _here]


def _from(name: str, folder: str) -> None:
    """Make the package in `folder` the one that `name` imports, if the path leads to another or none."""
    import importlib.util

    init = os.path.join(folder, "__init__.py")
    found = importlib.util.find_spec(name)
    if found is not None and found.origin and os.path.realpath(found.origin) == os.path.realpath(init):
        return
    spec = importlib.util.spec_from_file_location(name, init, submodule_search_locations=[folder])
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _attach() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036  # any Python may read this file
        return  # an older Python: left alone
    try:
        import importlib.util

        _from("samebits", os.path.dirname(os.path.dirname(_here)))
        if importlib.util.find_spec("xxhash") is None and os.environ.get("SAMEBITS_XXHASH"):
            _from("xxhash", os.environ["SAMEBITS_XXHASH"])
        from samebits.launch import child
    except (ImportError, OSError):
        return  # it has not what samebits needs: left alone; the launcher notices
    child.attach()


if any(name in os.environ for name in ("SAMEBITS_PLAN", "SAMEBITS_CONTROL", "SAMEBITS_MIRROR")):
    _attach()

_spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
if _spec is not None and _spec.loader is not None:
    _spec.loader.exec_module(sys.modules[__name__])
