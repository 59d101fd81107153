"""Names of modules and parameters, found without being told where the model is."""

from __future__ import annotations

import gc

import pytest
import torch
from torch import nn

from samebits.observe.names import Names

pytestmark = pytest.mark.usefixtures("generators_restored", "own_modules")


class Generator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        self.tied = self.body[0]


class Discriminator(Generator):
    pass


@pytest.fixture
def names() -> Names:
    return Names(lambda address: None)


def test_one_model_has_its_own_names(names: Names) -> None:
    model = Generator()
    assert names.module(model) == "Generator"
    assert names.module(model.body[1]) == "body.1"
    assert names.parameters(list(model.parameters())) == ["body.0.weight", "body.0.bias"]


def test_models_of_one_class_are_numbered_as_they_were_made(names: Names) -> None:
    first = nn.Linear(2, 2)
    gc.collect()  # now it is among the old objects, and the next one among the young
    second = nn.Linear(2, 2)
    assert names.parameters([first.weight, second.weight]) == ["Linear.weight", "Linear#2.weight"]


def test_of_several_models_each_has_its_class_before_it(names: Names) -> None:
    one, other, again = Generator(), Discriminator(), Generator()
    found = {names.module(model.body[0]) for model in (one, other, again)}
    assert found == {"Generator.body.0", "Discriminator.body.0", "Generator#2.body.0"}


def test_wrappers_are_looked_through(names: Names) -> None:
    model = nn.DataParallel(Generator())
    assert names.parameters([model.module.body[0].bias]) == ["body.0.bias"]


def test_parameters_that_no_module_holds_are_numbered(names: Names) -> None:
    loose = [nn.Parameter(torch.ones(1)) for _ in range(3)]
    assert names.parameters(loose) == ["parameter 0", "parameter 1", "parameter 2"]


@pytest.mark.usefixtures("own_modules")  # it collects garbage, of which other tests leave much to look at
def test_the_address_of_a_dead_parameter_is_not_its_name() -> None:
    names = Names(lambda address: None)
    for _ in range(5):  # an address is used again soon
        model = nn.Linear(2, 2)
        assert names.parameters([model.weight, model.bias])[0].endswith("weight")
        weight = model.weight
        del model
        gc.collect()
        other = nn.Sequential(nn.Linear(2, 2))
        found = names.parameters([other[0].weight, other[0].bias])
        assert [name.rpartition(".")[2] for name in found] == ["weight", "bias"]
        del other, weight
        gc.collect()


def test_a_module_that_died_is_forgotten() -> None:
    forgotten: list[int] = []
    names = Names(forgotten.append)
    model = Generator()
    address = id(model.body)
    names.module(model.body)
    del model
    gc.collect()
    assert address in forgotten


def test_a_layer_made_in_every_forward_is_not_searched_for(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Generator()
    names.module(model)
    searches: list[int] = []
    search = names._scan
    monkeypatch.setattr(names, "_scan", lambda: (searches.append(1), search()))
    for _ in range(50):
        assert names.module(nn.Softmax(dim=-1)) == "Softmax"
    assert len(searches) <= 2
