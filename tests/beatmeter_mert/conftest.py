"""Stand-ins for the published MERT: its hub layout, around a tiny network of random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parent / "data"
PUBLISHED_CONFIGS = {
    "m-a-p/MERT-v1-95M": DATA / "MERT-v1-95M.config.json",
    "m-a-p/MERT-v1-330M": DATA / "MERT-v1-330M.config.json",
}
TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
REMOTE_CODE = """
from pathlib import Path
Path(__file__).with_name("executed").touch()
raise RuntimeError("remote code was executed")
"""


def published_fields(name):
    return json.loads(PUBLISHED_CONFIGS[name].read_text())


@pytest.fixture
def undrawn(monkeypatch):
    """Write pages without their plots, which take most of the time, where no page is looked at."""
    monkeypatch.setattr("beatmeter.evaluation.report.html._plot", lambda draw, title: "")


@pytest.fixture(scope="session")
def published_config():
    """Read the config.json of a published MERT: name -> its fields."""
    return published_fields


@pytest.fixture(scope="session")
def make_tiny_mert():
    """Write a tiny MERT as the hub holds one: (folder, base=..., seed=..., **fields) -> folder."""
    return _make_tiny_mert


def _make_tiny_mert(folder, base="m-a-p/MERT-v1-95M", seed=0, **fields):
    import torch

    from beatmeter_mert.model.backbone import build_backbone

    folder.mkdir(parents=True, exist_ok=True)
    config = published_fields(base) | TINY | fields
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(
        (DATA / "MERT-v1-95M.preprocessor_config.json").read_text()
    )
    for name in ("configuration_MERT.py", "modeling_MERT.py"):
        (folder / name).write_text(REMOTE_CODE)
    torch.manual_seed(seed)
    state = build_backbone(config).state_dict()
    old = ("conv.parametrizations.weight.original0", "conv.parametrizations.weight.original1")
    for new, name in zip(old, ("conv.weight_g", "conv.weight_v"), strict=True):
        state[f"encoder.pos_conv_embed.{name}"] = state.pop(f"encoder.pos_conv_embed.{new}")
    torch.save(state, folder / "pytorch_model.bin")
    return folder


@pytest.fixture(scope="session")
def tiny_mert(tmp_path_factory, make_tiny_mert):
    """A folder with a tiny MERT that normalises after its layers, like the 95M."""
    return make_tiny_mert(tmp_path_factory.mktemp("tiny-mert"))


@pytest.fixture(scope="session")
def tiny_mert_stable(tmp_path_factory, make_tiny_mert):
    """A folder with a tiny MERT that normalises before its layers, like the 330M."""
    return make_tiny_mert(tmp_path_factory.mktemp("tiny-mert-stable"), "m-a-p/MERT-v1-330M")


@pytest.fixture
def trained_like(tiny_mert):
    """Build a classifier that looks trained: nothing in it is still zero: (**settings) -> it."""

    def build(**settings):
        return _trained_like(tiny_mert, **settings)

    return build


def _trained_like(folder, **settings):
    import torch

    from beatmeter_mert.model import MertMeterClassifier, SecondMeterThresholds

    torch.manual_seed(1)
    model = MertMeterClassifier.from_backbone(str(folder), **settings).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    model.config.thresholds = SecondMeterThresholds((0.2,) * 6, (0.3,) * 6)
    return model


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory, tiny_mert):
    """A folder with a saved classifier: LoRA, head, thresholds, on the tiny MERT."""
    folder = tmp_path_factory.mktemp("tiny-checkpoint")
    _trained_like(tiny_mert).save_pretrained(folder)
    return folder


@pytest.fixture
def music():
    """Make repeatable sound that is no noise: (seconds, rate=24000, seed=0) -> samples."""

    def make(seconds, rate=24_000, seed=0):
        rng = np.random.default_rng(seed)
        time = np.arange(round(seconds * rate)) / rate
        tones = sum(np.sin(2 * np.pi * f * time) for f in rng.uniform(80, 2000, 4))
        pulse = np.exp(-8 * (time % rng.uniform(0.3, 0.7)))
        return (0.2 * tones * pulse + 0.01 * rng.standard_normal(len(time))).astype(np.float32)

    return make
