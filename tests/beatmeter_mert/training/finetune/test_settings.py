import pytest

from beatmeter_mert.training.finetune.run import layer_bars
from beatmeter_mert.training.finetune.settings import FinetuneSettings, learning_rates
from beatmeter_mert.training.settings import SettingsError, read_settings


def test_rates_suit_the_width_unless_set():
    assert learning_rates(FinetuneSettings(), 768) == (5e-4, 1e-4)
    assert learning_rates(FinetuneSettings(), 1024) == (1e-4, 2e-5)
    assert learning_rates(FinetuneSettings(lr=0.1), 1024) == (0.1, 2e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"limit": -1},
        {"device": "tpu"},
        {"device": "cuda:"},
        {"seed": 2**32},
        {"lora_rank": 0},
        {"chunk_seconds": 0.5},
        {"precision": "half"},
        {"weight_decay": -1.0},
        {"clip_norm": 0.0},
        {"noise": -0.1},
        {"noise": float("nan")},
        {"shift_s": -1.0},
        {"lr": float("inf")},
        {"pos_weight_cap": -1.0},
        {"bad_share": 1.1},
        {"bad_share": float("nan")},
        {"label_smooth": 0.5},
        {"dropout": 1.0},
        {"clip_seconds": 0.0},
    ],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        read_settings(FinetuneSettings, wrong)


def test_one_of_several_devices_may_be_named():
    assert read_settings(FinetuneSettings, ["device=cuda:1"]).device == "cuda:1"


def test_bars_are_as_long_as_their_weights():
    lines = layer_bars([0.25, 0.5, 0.25]).splitlines()
    assert [line.count("█") for line in lines] == [20, 40, 20]
    assert lines[1].startswith("layer  2  0.500")
