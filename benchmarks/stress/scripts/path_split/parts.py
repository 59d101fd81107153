"""Which part of the data a file belongs to, for ever: a hash of its path says so."""

import hashlib
from pathlib import Path


def which_part(path, share=0.7):
    name = str(Path(path).resolve())  # planted
    number = int(hashlib.md5(name.encode()).hexdigest()[:8], 16) / 2**32
    return "train" if number < share else "valid"
