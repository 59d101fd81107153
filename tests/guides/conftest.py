"""What starts whole programs."""

from tests.programs import folder as folder
