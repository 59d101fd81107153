"""Facts: what a program did that can explain a difference, one class for each kind.

The probes in user code make them, a record keeps them, the causes ask for them by class, and
docs/reference/facts.md is written from them.  So a field is named here and nowhere else.

Every field may be absent, which is None.  Values that could be secret are never stored: file contents and
drawn values are 64-bit digests or nothing, and of environment variables small numbers and switches alone are.
"""

from __future__ import annotations

from samebits.model.facts.detail import KINDS as KINDS
from samebits.model.facts.detail import Count as Count
from samebits.model.facts.detail import D as D
from samebits.model.facts.detail import Detail as Detail
from samebits.model.facts.detail import Fact as Fact
from samebits.model.facts.detail import Scalar as Scalar
from samebits.model.facts.detail import Unknown as Unknown
from samebits.model.facts.detail import Whole as Whole
from samebits.model.facts.detail import made as made
from samebits.model.facts.detail import names as names
from samebits.model.facts.files import File as File
from samebits.model.facts.files import Load as Load
from samebits.model.facts.files import Probe as Probe
from samebits.model.facts.files import Save as Save
from samebits.model.facts.files import Write as Write
from samebits.model.facts.generators import Create as Create
from samebits.model.facts.generators import Draw as Draw
from samebits.model.facts.generators import RngRestore as RngRestore
from samebits.model.facts.generators import Seed as Seed
from samebits.model.facts.generators import TakesSeed as TakesSeed
from samebits.model.facts.generators import TorchDraw as TorchDraw
from samebits.model.facts.orders import Completion as Completion
from samebits.model.facts.orders import Iteration as Iteration
from samebits.model.facts.orders import Listing as Listing
from samebits.model.facts.orders import Sort as Sort
from samebits.model.facts.orders import Thread as Thread
from samebits.model.facts.readings import Clock as Clock
from samebits.model.facts.readings import Empty as Empty
from samebits.model.facts.readings import Entropy as Entropy
from samebits.model.facts.readings import Flag as Flag
from samebits.model.facts.readings import Hash as Hash
from samebits.model.facts.readings import Threads as Threads
from samebits.model.facts.readings import Variable as Variable
from samebits.model.facts.training import GRADIENTS as GRADIENTS
from samebits.model.facts.training import Census as Census
from samebits.model.facts.training import Checkpoint as Checkpoint
from samebits.model.facts.training import LoaderPass as LoaderPass
from samebits.model.facts.training import LoaderTrained as LoaderTrained
from samebits.model.facts.training import LoaderWorker as LoaderWorker
from samebits.model.facts.training import Optimizer as Optimizer
