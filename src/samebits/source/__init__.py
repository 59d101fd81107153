"""What Python source says, read and never run: names, values, steps of functions, and a project of files.

Rules of the catalogue ask here.  One file is a `Module`; what other files need to know of it is its
`Summary`, which is plain data; a `Project` joins the summaries: it follows imports and calls, and knows the
programs and what they do in which order.
"""

from __future__ import annotations
