"""Code of a test is observed here, in the test's own process, where a report is of something that ran."""

from tests.recording import observe as observe
from tests.recording import own_modules as own_modules
