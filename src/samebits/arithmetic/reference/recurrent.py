"""A layer of an LSTM, from linear layers and elementwise operations, and its gradients."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from samebits.arithmetic.reference.functions import sigmoid, tanh
from samebits.arithmetic.reference.products import matrices
from samebits.arithmetic.reference.rounding import Array, fma
from samebits.arithmetic.reference.sums import sum_of


class LstmStep(NamedTuple):
    """What a step makes: its gates i, f, g, o, its cell, the cell's tanh, its output; and the cell before."""

    gates: list[Array]
    cell: Array
    squashed: Array
    output: Array
    before: Array


def _linear(x: Array, weight: Array, bias: Array) -> Array:
    return np.asarray(bias + matrices(x, weight.T))


def forward(
    x: Array, weights: tuple[Array, Array], biases: tuple[Array, Array], h: Array, c: Array
) -> list[LstmStep]:
    """The steps of x (T, N, I), from h and c (N, H)."""
    steps = []
    for now in x:
        sums = _linear(h, weights[1], biases[1]) + _linear(now, weights[0], biases[0])
        i, f, g, o = np.split(sums, 4, axis=1)
        gates = [sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)]
        cell = gates[1] * c + gates[0] * gates[2]
        squashed = tanh(cell)
        steps.append(LstmStep(gates, cell, squashed, gates[3] * squashed, c))
        h, c = steps[-1].output, cell
    return steps


def _of_sigmoid(g: Array, y: Array) -> Array:
    return np.asarray((g * (np.float32(1) - y)) * y)


def _of_tanh(g: Array, y: Array) -> Array:
    return np.asarray(g * fma(-y, y, np.ones_like(y)))


def backward(
    x: Array, weights: tuple[Array, Array], h: Array, steps: list[LstmStep], grads: Array
) -> dict[str, Array]:
    """The gradients, from those of the outputs (T, N, H)."""
    to_c, to_h = np.zeros_like(h), grads[-1]
    gates: list[Array] = []
    to_weight, to_bias = None, None
    for t in range(len(steps) - 1, -1, -1):
        step = steps[t]
        i, f, g, o = step.gates
        cell = to_c + _of_tanh(to_h * o, step.squashed)
        slopes = [
            _of_sigmoid(cell * g, i),
            _of_sigmoid(cell * step.before, f),
            _of_tanh(cell * i, g),
            _of_sigmoid(to_h * step.squashed, o),
        ]
        gates.insert(0, np.concatenate(slopes, axis=1))
        of_weight = matrices(gates[0].T, steps[t - 1].output if t else h)
        of_bias = sum_of(gates[0].T)
        to_weight = of_weight if to_weight is None else to_weight + of_weight
        to_bias = of_bias if to_bias is None else to_bias + of_bias
        to_c, to_h = cell * f, matrices(gates[0], weights[1])
        if t:
            to_h = grads[t - 1] + to_h
    flat, rows = np.concatenate(gates), x.reshape(-1, x.shape[-1])
    assert to_weight is not None
    assert to_bias is not None
    return {
        "input": matrices(flat, weights[0]).reshape(x.shape),
        "weight_ih": matrices(flat.T, rows),
        "weight_hh": to_weight,
        "bias_ih": sum_of(flat.T),
        "bias_hh": to_bias,
    }
