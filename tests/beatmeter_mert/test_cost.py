from __future__ import annotations

import pytest
from click.testing import CliRunner

from beatmeter_mert.cli import mert
from beatmeter_mert.cost import count_flops


def test_convolutions_are_counted_as_by_hand():
    # channels, kernels and frames a chunk of 120,000 samples of the seven convolutions
    kernels, strides, frames, before = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2), 120_000, 1
    by_hand = 0
    for kernel, stride in zip(kernels, strides, strict=True):
        frames = (frames - kernel) // stride + 1
        by_hand += 2 * frames * kernel * before * 512
        before = 512
    assert count_flops("m-a-p/MERT-v1-95M").convolutions == pytest.approx(6 * by_hand, rel=1e-6)


def test_fewer_layers_cost_less_and_the_convolutions_the_same():
    whole, half = count_flops("m-a-p/MERT-v1-95M"), count_flops("m-a-p/MERT-v1-95M", 6)
    assert half.convolutions == whole.convolutions
    assert half.transformer < 0.6 * whole.transformer
    assert half.lora_step - half.forward == half.transformer


@pytest.mark.parametrize("option", ["--clips=0", "--epochs=-1", "--max-layer=0"])
def test_nothing_below_one_is_counted(option):
    assert CliRunner().invoke(mert, ["cost", option]).exit_code == 2


def test_the_command_names_every_gpu_and_scales_with_epochs():
    once = CliRunner().invoke(mert, ["cost", "--epochs", "10", "--clips", "1000"])
    assert once.exit_code == 0
    lines = once.output.splitlines()
    assert len(lines) == 6
    assert "656 GFLOP forward, 221 of them in the convolutions" in lines[0]
    assert all(gpu in lines[1] for gpu in ("T4", "L4", "A100"))


def test_the_trainable_count_stands_beside_the_total():
    result = CliRunner().invoke(mert, ["parameters"])
    assert result.output.splitlines() == [
        "m-a-p/MERT-v1-95M: 589,824 of 94,961,536 parameters trainable (0.62 %)",
        "m-a-p/MERT-v1-330M: 1,572,864 of 317,001,856 parameters trainable (0.50 %)",
    ]


def test_fewer_layers_train_less():
    result = CliRunner().invoke(mert, ["parameters", "--max-layer", "6", "--lora-rank", "4"])
    assert "73,728 of" in result.output.splitlines()[0]


def test_an_option_of_two_commands_says_one_thing():
    shown = [CliRunner().invoke(mert, [name, "--help"]).output for name in ("cost", "parameters")]
    (first,), (second,) = (
        [line for line in s.splitlines() if "--max-layer" in line] for s in shown
    )
    assert first.split() == second.split()
