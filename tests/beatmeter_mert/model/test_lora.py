from __future__ import annotations

import json

import pytest
import torch

from beatmeter_mert.errors import CheckpointError
from beatmeter_mert.model import LoraSettings, MertMeterClassifier
from beatmeter_mert.model.lora import lora_settings, lora_tensors


def test_defaults_are_rank_16_on_queries_and_values(tiny_mert):
    model = MertMeterClassifier.from_backbone(str(tiny_mert))
    config = model.backbone.peft_config["default"]
    assert (config.r, config.lora_alpha, config.lora_dropout, config.bias) == (16, 32, 0.05, "none")
    assert config.target_modules == {"q_proj", "v_proj"}
    assert config.layers_to_transform is None
    trained = {name for name, p in model.backbone.named_parameters() if p.requires_grad}
    assert len(trained) == 3 * 2 * 2
    assert all(".q_proj.lora_" in name or ".v_proj.lora_" in name for name in trained)


def test_an_adapter_of_the_first_layers_names_them(tiny_mert):
    model = MertMeterClassifier.from_backbone(str(tiny_mert), max_layer=2)
    assert model.backbone.peft_config["default"].layers_to_transform == [0, 1]


def test_fresh_adapters_change_nothing(tiny_mert, music):
    plain = MertMeterClassifier.from_backbone(str(tiny_mert), lora=None).eval()
    adapted = MertMeterClassifier.from_backbone(str(tiny_mert)).eval()
    clip = torch.tensor(music(3)[None])
    torch.testing.assert_close(plain.embed(clip), adapted.embed(clip), atol=1e-6, rtol=0)


def test_settings_survive_the_disk(tiny_checkpoint):
    fields = json.loads((tiny_checkpoint / "adapter_config.json").read_text())
    assert lora_settings(fields, 3, "there") == LoraSettings()


def test_plain_peft_reads_the_adapter(tiny_checkpoint, tiny_mert, music):
    from peft import PeftModel

    from beatmeter_mert.model.backbone import hidden_states, load_backbone

    ours = MertMeterClassifier.from_pretrained(tiny_checkpoint, device="cpu", dtype="float32")
    hubert = load_backbone(str(tiny_mert)).model
    hubert.name_or_path = str(tiny_mert)
    with pytest.warns(FutureWarning, match="is_gradient_checkpointing"):
        theirs = PeftModel.from_pretrained(hubert, str(tiny_checkpoint)).eval()
    sound = torch.tensor(music(2)[None])
    with torch.no_grad():
        for a, b in zip(
            hidden_states(ours.backbone, sound), hidden_states(theirs, sound), strict=True
        ):
            torch.testing.assert_close(a, b, atol=0, rtol=0)
    assert lora_tensors(ours.backbone).keys() == lora_tensors(theirs).keys()


@pytest.mark.parametrize(
    "wrong", [{"r": 0}, {"r": 2.5}, {"alpha": -1}, {"dropout": 1.0}, {"targets": ("lm_head",)}]
)
def test_settings_out_of_range_are_named(wrong):
    with pytest.raises(CheckpointError, match=f"lora {next(iter(wrong))}"):
        LoraSettings(**wrong)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"peft_type": "IA3"},
        {"peft_type": "LORA", "bias": "all"},
        {"peft_type": "LORA", "target_modules": "all-linear"},
        {"peft_type": "LORA", "target_modules": ["q_proj"], "r": "16", "lora_alpha": 32},
    ],
)
def test_a_config_that_is_no_lora_of_ours_is_refused(fields):
    with pytest.raises(CheckpointError):
        lora_settings(fields, 3, "adapter_config.json")


@pytest.mark.parametrize(
    "change",
    [
        {"use_dora": True},
        {"use_rslora": True},
        {"alpha_pattern": {"q_proj": 64}},
        {"rank_pattern": {"layers.0": 4}},
        {"layers_to_transform": [0]},
        {"layer_replication": [[0, 2]]},
        {"modules_to_save": ["encoder"]},
        {"init_lora_weights": "pissa"},
        {"fan_in_fan_out": True},
        {"a_field_of_tomorrow": {"on": True}},
    ],
)
def test_what_would_be_computed_otherwise_is_refused_by_name(tiny_checkpoint, change):
    fields = json.loads((tiny_checkpoint / "adapter_config.json").read_text())
    with pytest.raises(CheckpointError, match=f"there: {next(iter(change))} "):
        lora_settings(fields | change, 3, "there")


def test_where_an_adapter_comes_from_changes_nothing(tiny_checkpoint):
    fields = json.loads((tiny_checkpoint / "adapter_config.json").read_text())
    moved = (
        fields
        | {"layers_to_transform": [0, 1, 2], "layers_pattern": "layers"}
        | {"base_model_name_or_path": "elsewhere", "peft_version": "9"}
    )
    assert lora_settings(moved, 3, "there") == lora_settings(fields, 3, "there")
