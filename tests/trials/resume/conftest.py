"""Whole programs are run here, and records are made without a program."""

from tests.programs import folder as folder
from tests.programs import shared as shared
from tests.programs import start as start
