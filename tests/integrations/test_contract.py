"""For every integration: a run stopped and resumed from the framework's checkpoint has the same bits."""

from __future__ import annotations

import pkgutil
import random
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from samebits import StateError, integrations

from . import trainings
from .trainings import EPOCHS, STOP, seed

NAMES = integrations.available()
pytestmark = pytest.mark.filterwarnings("ignore")  # the frameworks' own


def test_every_integration_is_tried() -> None:
    assert sorted(found.name for found in pkgutil.iter_modules(trainings.__path__)) == NAMES
    assert dir(integrations) == sorted({*integrations.__all__, *NAMES})
    with pytest.raises(AttributeError, match=r"'samebits.integrations' has no attribute 'keras'"):
        integrations.keras  # noqa: B018


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("used", [True, False])
def test_a_resumed_run_has_the_same_bits(name: str, used: bool, tmp_path: Path) -> None:
    train = import_module(f"{trainings.__name__}.{name}").train
    state = import_module(f"samebits.integrations.{name}").RngState if used else None
    seed(1)
    whole = train(tmp_path / "whole", state, epochs=EPOCHS, resume=False)
    seed(1)
    stopped = train(tmp_path / "parts", state, epochs=STOP, resume=False)
    assert stopped != whole
    seed(2)  # and other draws in between
    random.random(), np.random.random(3), torch.rand(2)
    resumed = train(tmp_path / "parts", state, epochs=EPOCHS, resume=True)
    assert (resumed == whole) == used


@pytest.mark.parametrize("name", NAMES)
def test_the_protocol(name: str) -> None:
    kind = import_module(f"samebits.integrations.{name}").RngState
    own = np.random.default_rng(1)
    one = kind(own=own)
    assert isinstance(one, integrations.Checkpointed)
    state = one.state_dict()
    drawn = (random.random(), np.random.random(), float(torch.rand(1)), own.random())
    one.load_state_dict(state)
    assert drawn == (random.random(), np.random.random(), float(torch.rand(1)), own.random())
    alone = kind()  # only the process-wide generators, whoever calls
    alone.load_state_dict(alone.state_dict())
    with pytest.raises(StateError, match=r"not from samebits.integrations"):
        one.load_state_dict({"model": 1})
    with pytest.raises(StateError, match="name the same owners in both"):
        kind(other=own).load_state_dict(state)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_framework_is_one_sentence_with_the_command(name: str) -> None:
    program = (
        "import importlib.util, sys\n"
        "importlib.util.find_spec = lambda name: None\n"
        "import samebits\n"
        "assert 'torch' not in sys.modules\n"
        f"try: samebits.integrations.{name}\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    sentence = rf"samebits\.integrations\.{name} needs (\S+), which is not installed: pip install \1\n"
    assert re.fullmatch(sentence, out)
