"""What a run did: fingerprints, the observed events and facts, and the record they are kept in.

The package is also the function `samebits.record` (see `CallableModule`).
"""

from __future__ import annotations

import sys

from samebits._runtime.lazy import CallableModule

sys.modules[__name__].__class__ = CallableModule
