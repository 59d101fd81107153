"""Random numbers of a key and an element's number alone: the same on every device, in every shard.

Keys (`keys`); distributions of one word an element (`draw`, `truncated`, `dropping`) and of any number of
them (`positive`, `counts`, `skewed`); orders and choices (`order`, `classes`); and the mode in which
unmodified code draws from here (`portable_mode`).  Loaded on first use: importing the room imports no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from samebits._runtime.lazy import lazy

if TYPE_CHECKING:
    from samebits.random.classes import categorical as categorical
    from samebits.random.classes import multinomial as multinomial
    from samebits.random.counts import binomial as binomial
    from samebits.random.counts import geometric as geometric
    from samebits.random.counts import poisson as poisson
    from samebits.random.draw import bernoulli as bernoulli
    from samebits.random.draw import bits as bits
    from samebits.random.draw import exponential as exponential
    from samebits.random.draw import normal as normal
    from samebits.random.draw import randint as randint
    from samebits.random.draw import uniform as uniform
    from samebits.random.dropping import dropout as dropout
    from samebits.random.keys import fold_in as fold_in
    from samebits.random.keys import key as key
    from samebits.random.keys import split as split
    from samebits.random.order import choice as choice
    from samebits.random.order import permutation as permutation
    from samebits.random.portable_mode.mode import get_state as get_state
    from samebits.random.portable_mode.mode import portable as portable
    from samebits.random.portable_mode.mode import set_state as set_state
    from samebits.random.portable_mode.scopes import scope as scope
    from samebits.random.positive import beta as beta
    from samebits.random.positive import dirichlet as dirichlet
    from samebits.random.positive import gamma as gamma
    from samebits.random.skewed import cauchy as cauchy
    from samebits.random.skewed import log_normal as log_normal
    from samebits.random.truncated import truncated_normal as truncated_normal

_HOMES = {
    "bernoulli": "samebits.random.draw",
    "beta": "samebits.random.positive",
    "binomial": "samebits.random.counts",
    "bits": "samebits.random.draw",
    "categorical": "samebits.random.classes",
    "cauchy": "samebits.random.skewed",
    "choice": "samebits.random.order",
    "dirichlet": "samebits.random.positive",
    "dropout": "samebits.random.dropping",
    "portable": "samebits.random.portable_mode.mode",
    "exponential": "samebits.random.draw",
    "fold_in": "samebits.random.keys",
    "gamma": "samebits.random.positive",
    "geometric": "samebits.random.counts",
    "get_state": "samebits.random.portable_mode.mode",
    "key": "samebits.random.keys",
    "log_normal": "samebits.random.skewed",
    "multinomial": "samebits.random.classes",
    "normal": "samebits.random.draw",
    "permutation": "samebits.random.order",
    "poisson": "samebits.random.counts",
    "randint": "samebits.random.draw",
    "scope": "samebits.random.portable_mode.scopes",
    "set_state": "samebits.random.portable_mode.mode",
    "split": "samebits.random.keys",
    "truncated_normal": "samebits.random.truncated",
    "uniform": "samebits.random.draw",
}

__all__ = [
    "bernoulli",
    "beta",
    "binomial",
    "bits",
    "categorical",
    "cauchy",
    "choice",
    "dirichlet",
    "dropout",
    "exponential",
    "fold_in",
    "gamma",
    "geometric",
    "get_state",
    "key",
    "log_normal",
    "multinomial",
    "normal",
    "permutation",
    "poisson",
    "portable",
    "randint",
    "scope",
    "set_state",
    "split",
    "truncated_normal",
    "uniform",
]

__getattr__ = lazy(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
