"""Whole programs are run here."""

from tests.programs import folder as folder
from tests.programs import shared as shared
from tests.programs import start as start
