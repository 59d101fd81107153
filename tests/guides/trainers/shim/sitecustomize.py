"""What today's torchvision and numpy lack of what the trainers import.  Python runs this file at its start.

Nothing of it computes: a trainer that called one of these operations would be told that it has no kernel.
"""

from __future__ import annotations

import numpy
from torch import library

try:
    import torchvision  # noqa: F401
except ImportError:
    pass  # the trainer will say so
except RuntimeError:
    # Its compiled part needs CUDA's libraries, which a CPU build of torch is without; its Python part then
    # looks for operations that nothing has defined.
    operators = library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

# imgaug 0.4.0, its last version, reads this when it is imported; numpy 2.0 removed it.
if not hasattr(numpy, "sctypes"):
    sctypes = {
        "float": [numpy.float16, numpy.float32, numpy.float64, numpy.longdouble],
        "int": [numpy.int8, numpy.int16, numpy.int32, numpy.int64],
        "uint": [numpy.uint8, numpy.uint16, numpy.uint32, numpy.uint64],
    }
    setattr(numpy, "sctypes", sctypes)  # noqa: B010  # numpy's types do not know the name
