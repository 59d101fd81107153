"""The example of a detector: its two upsampling layers compute the same, and its measure is the known one."""

from __future__ import annotations

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch

pytest.importorskip("PIL")

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "yolo.py"
SPEC = spec_from_file_location("yolo", SCRIPT)
assert SPEC is not None
assert SPEC.loader is not None
yolo = module_from_spec(SPEC)
SPEC.loader.exec_module(yolo)


def test_both_layers_compute_the_same_bits(generators_restored: None) -> None:
    x = torch.randn(2, 8, 5, 7).to(memory_format=torch.channels_last)
    layers = [yolo.Upsample(8, how) for how in ("index", "interpolate")]
    layers[1].load_state_dict(layers[0].state_dict())
    outputs = [layer(x) for layer in layers]
    assert outputs[0].shape == (2, 8, 10, 14)
    assert torch.equal(*outputs)
    expected = x[:, :, :, :, None].expand(-1, -1, -1, -1, 2).flatten(3).repeat_interleave(2, 2)
    assert torch.equal(outputs[0] - expected, outputs[1] - expected)
    for output in outputs:
        output.square().sum().backward()
    torch.testing.assert_close(layers[0].place.grad, layers[1].place.grad)


def test_mean_average_precision() -> None:
    """Two digits of class 3 and one of class 7: found; found after a false one; missed."""
    box = (10.0, 10.0, 8.0, 8.0)
    far = (50.0, 50.0, 8.0, 8.0)
    digits = [[(3, *box), (7, *far)], [(3, *far)]]
    assert yolo.overlap(box, box) == 1
    assert yolo.overlap(box, (14.0, 10.0, 8.0, 8.0)) == pytest.approx(1 / 3)
    right = [[(0.9, 3.0, *box), (0.8, 7.0, *far)], [(0.7, 3.0, *far)]]
    assert yolo.mean_average_precision(right, digits) == 1
    late = [[(0.9, 3.0, *box), (0.8, 3.0, *box)], [(0.7, 3.0, *far)]]  # twice the same, and no 7
    assert yolo.mean_average_precision(late, digits) == pytest.approx(((1 + 2 / 3) / 2 + 0) / 2)


@pytest.mark.parametrize("how", ["index", "interpolate"])
def test_it_trains(
    how: str,
    tmp_path: Path,
    generators_restored: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log, threads = tmp_path / "loss.jsonl", torch.get_num_threads()
    words = ["--upsample", how, "--steps", "3", "--batch", "2", "--pictures", "2", "--log", str(log)]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *words])
    set_threads = torch.set_num_threads
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)  # two would wait for each other here
    set_threads(1)
    try:
        yolo.main()
    finally:
        set_threads(threads)
    assert capsys.readouterr().out.startswith("mAP@0.5 0.")
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [line["step"] for line in lines] == [0, 1, 2]
    assert all(line["loss"] > 0 for line in lines)
