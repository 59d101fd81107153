"""Found first on the path of every Python started below a run of ours; attaches control and observer.

Python imports `sitecustomize` by itself at start-up.  The one this file hides is run afterwards.
"""

import importlib.machinery
import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != _here]

if "SAMEBITS_PLAN" in os.environ or "SAMEBITS_CONTROL" in os.environ:
    try:
        from samebits.launch import child as _child
    except ImportError:
        pass  # another Python, without samebits: left alone
    else:
        _child.attach()

_spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
if _spec is not None and _spec.loader is not None:
    _spec.loader.exec_module(sys.modules[__name__])
