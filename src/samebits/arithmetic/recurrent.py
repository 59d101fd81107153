"""A layer of an LSTM: the bits of the linear layers and elementwise operations that it stands for.

torch computes a layer on a CPU in one operation, `mkldnn_rnn_layer`, where it can.  Otherwise, and so every
GRU, plain RNN, packed sequence, projection and cell, it is a composition, whose parts are defined elsewhere.
Here the one operation computes what the composition does, and what autograd makes of it, so that a program
may take either way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor

from samebits.arithmetic import core
from samebits.arithmetic.rows import Defined

#: Of torch's recurrent layers: the only one that `mkldnn_rnn_layer` is called for.
LSTM: Final = 2
#: Tensors, or NotImplemented.
Result = Any


def mkldnn_rnn_layer(
    input: Tensor,
    weight0: Tensor,
    weight1: Tensor,
    weight2: Tensor,
    weight3: Tensor,
    hx_: Tensor,
    cx_: Tensor,
    reverse: bool,
    batch_sizes: Sequence[int],
    mode: int,
    hidden_size: int,
    num_layers: int,
    has_biases: bool,
    bidirectional: bool,
    batch_first: bool,
    train: bool,
) -> Result:
    """One direction of one layer.

    Args:
        input: (T, N, I).
        weight0: (4 H, I), of the input.
        weight1: (4 H, H), of the hidden state.
        weight2: (4 H,), or anything without biases; so `weight3`.
        hx_: N H numbers, in any shape; so `cx_`.
        reverse: whether it goes from the last step to the first.

    Returns:
        The outputs (T, N, H), the last output and the last cell, in the shapes of `hx_` and `cx_`, and what
        the backward needs.
    """
    if mode != LSTM or input.dtype not in core.DTYPES or input.dim() != 3 or input.numel() == 0:
        return NotImplemented
    steps, rows, features = input.shape
    biases = (weight2, weight3) if has_biases else (None, None)
    from_input = _linear(input.reshape(-1, features), weight0.t(), biases[0]).view(steps, rows, -1)
    across = weight1.t().contiguous()  # packed once, and not at every step
    output = input.new_empty(steps, rows, hidden_size)
    kept = input.new_empty(6 * output.numel())
    gates, cells, squashed = _kept(kept, steps, rows, hidden_size)
    h, c = (state.reshape(rows, hidden_size).contiguous() for state in (hx_, cx_))
    forward = _forward if _in_c(input) else _plain_forward
    for t in _order(steps, reverse):
        forward(from_input[t], _linear(h, across, biases[1]), c, gates[t], cells[t], squashed[t], output[t])
        h, c = output[t], cells[t]
    return output, h.clone().view(hx_.shape), c.clone().view(cx_.shape), kept


def mkldnn_rnn_layer_backward(
    input: Tensor,
    weight1: Tensor,
    weight2: Tensor,
    weight3: Tensor,
    weight4: Tensor,
    hx_: Tensor,
    cx_tmp: Tensor,
    output: Tensor,
    hy_: Tensor,
    cy_: Tensor,
    grad_output: Tensor | None,
    grad_hy: Tensor | None,
    grad_cy: Tensor | None,
    reverse: bool,
    mode: int,
    hidden_size: int,
    num_layers: int,
    has_biases: bool,
    train: bool,
    bidirectional: bool,
    batch_sizes: Sequence[int],
    batch_first: bool,
    workspace: Tensor,
) -> Result:
    """The gradients of the layer's input, weights, biases (twice the same), first output and first cell.

    Args:
        weight1: (4 H, I): the weights are counted from 1 here.
        cx_tmp: the first cell.
        workspace: what the forward kept.
    """
    if mode != LSTM or input.dtype not in core.DTYPES or (grad_output is grad_hy is grad_cy is None):
        return NotImplemented
    steps, rows, features = input.shape
    gates, cells, squashed = _kept(workspace, steps, rows, hidden_size)
    first_h, first_c = (state.reshape(rows, hidden_size).contiguous() for state in (hx_, cx_tmp))
    order = _order(steps, reverse)
    grad_gates, grad_cells = torch.empty_like(gates), gates.new_empty(2, rows, hidden_size)
    to_c = torch.zeros_like(first_c) if grad_cy is None else grad_cy.reshape(first_c.shape).contiguous()
    to_h = None if grad_hy is None else grad_hy.reshape(first_h.shape)
    backward = _backward if _in_c(input) else _plain_backward
    across = weight2.contiguous()
    later = order[-1]
    for turn, t in enumerate(reversed(order)):
        given = None if grad_output is None else grad_output[t]
        if turn > 0:
            to_h = _plus(given, grad_gates[later], across)
        elif given is not None:
            to_h = given if to_h is None else to_h + given
        if to_h is None:
            to_h = torch.zeros_like(first_h)
        c = first_c if t == order[0] else cells[t + 1 if reverse else t - 1]
        grad_cell = grad_cells[turn % 2]
        backward(gates[t], c, squashed[t], to_h.contiguous(), to_c, grad_gates[t], grad_cell)
        to_c, later = grad_cell, t
    to_h = torch.mm(grad_gates[later], across)
    flat = grad_gates.view(steps * rows, -1)
    of_hidden, of_bias = _over_steps(grad_gates, output, first_h, reverse, has_biases)
    return (
        torch.mm(flat, weight1).view(input.shape),
        torch.mm(flat.t(), input.reshape(-1, features)),
        of_hidden,
        flat.sum(0) if has_biases else torch.zeros_like(weight3),
        of_bias if has_biases else torch.zeros_like(weight4),
        to_h.view(hx_.shape),
        to_c.clone().view(cx_tmp.shape),
    )


def _over_steps(
    grad_gates: Tensor, output: Tensor, first: Tensor, reverse: bool, has_biases: bool
) -> tuple[Tensor, Tensor]:
    """The gradients of the hidden state's weights and bias: a step's are added to those of later steps."""
    weights: Tensor | None = None
    for t in reversed(_order(len(output), reverse)):
        before = t + 1 if reverse else t - 1
        h = output[before] if 0 <= before < len(output) else first
        turned = grad_gates[t].t()
        weights = _plus(weights, turned, h)
    assert weights is not None
    if not has_biases:
        return weights, weights
    first_sum, *sums = grad_gates.sum(1) if reverse else grad_gates.sum(1).flip(0)
    for more in sums:
        first_sum = first_sum + more
    return weights, first_sum


def _order(steps: int, reverse: bool) -> range:
    return range(steps - 1, -1, -1) if reverse else range(steps)


def _plus(more: Tensor | None, a: Tensor, b: Tensor) -> Tensor:
    """The product of two matrices, rounded to its type, and then the sum with `more`."""
    if more is None or a.dtype in (torch.float16, torch.bfloat16):
        product = torch.mm(a, b)
        return product if more is None else more + product
    return torch.addmm(more, a, b)


def _linear(x: Tensor, across: Tensor, bias: Tensor | None) -> Tensor:
    return torch.mm(x, across) if bias is None else torch.addmm(bias, x, across)


def _kept(kept: Tensor, steps: int, rows: int, hidden: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of each step: the gates (T, N, 4 H), the cell and the cell's tanh (T, N, H)."""
    size = steps * rows * hidden
    gates, cells, squashed = torch.ops.aten.split_with_sizes(kept, [4 * size, size, size])
    shape = steps, rows, hidden
    return gates.view(steps, rows, 4 * hidden), cells.view(shape), squashed.view(shape)


def _in_c(x: Tensor) -> bool:
    return x.is_cpu and x.dtype is torch.float32


def _forward(
    from_input: Tensor,
    from_hidden: Tensor,
    cell: Tensor,
    gates: Tensor,
    next_cell: Tensor,
    squashed: Tensor,
    output: Tensor,
) -> None:
    """A step: the last four are written."""
    core.bound("sb_lstm_forward", "nnpppppppi")(
        *output.shape,
        from_input.data_ptr(),
        from_hidden.data_ptr(),
        cell.data_ptr(),
        gates.data_ptr(),
        next_cell.data_ptr(),
        squashed.data_ptr(),
        output.data_ptr(),
        core.threads(),
    )


def _plain_forward(
    from_input: Tensor,
    from_hidden: Tensor,
    cell: Tensor,
    gates: Tensor,
    next_cell: Tensor,
    squashed: Tensor,
    output: Tensor,
) -> None:
    """`_forward` in torch's operations, in the order of torch's own cell."""
    torch.add(from_hidden, from_input, out=gates)
    enter, forget, new, leave = gates.chunk(4, 1)
    for gate in (enter, forget, leave):
        gate.sigmoid_()
    new.tanh_()
    torch.add(forget * cell, enter * new, out=next_cell)
    torch.tanh(next_cell, out=squashed)
    torch.mul(leave, squashed, out=output)


def _backward(
    gates: Tensor,
    cell: Tensor,
    squashed: Tensor,
    grad_output: Tensor,
    grad_next: Tensor,
    grad_gates: Tensor,
    grad_cell: Tensor,
) -> None:
    """The derivative of a step: the last two are written."""
    core.bound("sb_lstm_backward", "nnpppppppi")(
        *cell.shape,
        gates.data_ptr(),
        cell.data_ptr(),
        squashed.data_ptr(),
        grad_output.data_ptr(),
        grad_next.data_ptr(),
        grad_gates.data_ptr(),
        grad_cell.data_ptr(),
        core.threads(),
    )


def _plain_backward(
    gates: Tensor,
    cell: Tensor,
    squashed: Tensor,
    grad_output: Tensor,
    grad_next: Tensor,
    grad_gates: Tensor,
    grad_cell: Tensor,
) -> None:
    """`_backward` in torch's operations."""
    aten = torch.ops.aten
    enter, forget, new, leave = gates.chunk(4, 1)
    to_enter, to_forget, to_new, to_leave = grad_gates.chunk(4, 1)
    to_cell = grad_next + aten.tanh_backward(grad_output * leave, squashed)
    to_leave.copy_(aten.sigmoid_backward(grad_output * squashed, leave))
    to_enter.copy_(aten.sigmoid_backward(to_cell * new, enter))
    to_forget.copy_(aten.sigmoid_backward(to_cell * cell, forget))
    to_new.copy_(aten.tanh_backward(to_cell * enter, new))
    torch.mul(to_cell, forget, out=grad_cell)


ROWS: Final = (
    Defined("aten::mkldnn_rnn_layer", mkldnn_rnn_layer, "P and steps"),
    Defined("aten::mkldnn_rnn_layer_backward", mkldnn_rnn_layer_backward, "P, S and steps"),
)
