"""Code of a test is observed here, in the test's own process."""

from tests.programs import folder as folder
from tests.recording import observe as observe
from tests.recording import own_modules as own_modules
