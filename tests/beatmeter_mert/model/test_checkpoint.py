from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file, save_file

from beatmeter_mert.errors import CheckpointError
from beatmeter_mert.model import LoraSettings, MertMeterClassifier, SecondMeterThresholds


@pytest.fixture
def clip(music):
    return music(8)


@pytest.fixture
def copy(tmp_path, tiny_checkpoint):
    return shutil.copytree(tiny_checkpoint, tmp_path / "copy")


def load(folder, **settings):
    return MertMeterClassifier.from_pretrained(
        folder, **{"device": "cpu", "dtype": "float32"} | settings
    )


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"lora": None},
        {"max_layer": 2},
        {"lora": LoraSettings(r=4, alpha=8, targets=("k_proj", "out_proj"))},
        {"chunk_seconds": 3.0, "clip_seconds": 12.0},
    ],
)
def test_what_was_saved_is_what_loads(tmp_path, trained_like, clip, settings):
    model = trained_like(**settings)
    figures = {"held-out pieces": {"balanced accuracy": 0.5}}
    model.config.evaluation = figures
    model.config.training_note = "Trained on nothing."
    model.save_pretrained(tmp_path)
    again = load(tmp_path)
    assert again.predict(clip, 24_000) == model.predict(clip, 24_000)
    assert again.config == model.config
    assert not again.training


def test_saving_twice_gives_the_same_bytes(tmp_path, tiny_checkpoint):
    load(tiny_checkpoint).save_pretrained(tmp_path)
    for path in tiny_checkpoint.rglob("*.*"):
        if path.is_file():
            assert (tmp_path / path.relative_to(tiny_checkpoint)).read_bytes() == path.read_bytes()


def test_the_folder_holds_what_it_promises(tiny_checkpoint):
    found = {str(p.relative_to(tiny_checkpoint)) for p in tiny_checkpoint.rglob("*") if p.is_file()}
    assert found == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "head/config.json",
        "head/model.safetensors",
        "README.md",
    }
    config = json.loads((tiny_checkpoint / "head" / "config.json").read_text())
    assert config["meters"] == [3, 4, 5, 7, 9, 11]
    assert config["preprocessing"]["chunk_seconds"] == 5.0
    assert config["preprocessing"]["sample_rate"] == 24_000
    assert config["noise_floors"]["production"] == [0.3] * 6


def test_saving_into_a_used_folder_keeps_what_is_not_its_own(tmp_path, trained_like, clip):
    (tmp_path / "optimizer.pt").write_text("mine")
    trained_like().save_pretrained(tmp_path)
    frozen = trained_like(lora=None)
    frozen.save_pretrained(tmp_path)
    assert (tmp_path / "optimizer.pt").read_text() == "mine"
    assert not (tmp_path / "adapter_model.safetensors").exists()
    assert load(tmp_path).predict(clip, 24_000) == frozen.predict(clip, 24_000)


def test_a_carried_backbone_needs_nothing_else(tmp_path, make_tiny_mert, clip):
    mert = make_tiny_mert(tmp_path / "mert")
    model = MertMeterClassifier.from_backbone(str(mert), max_layer=2).eval()
    model.carry_backbone("mit")
    model.save_pretrained(tmp_path / "saved")
    shutil.rmtree(mert)
    moved = shutil.move(tmp_path / "saved", tmp_path / "moved")
    again = load(moved)
    assert again.predict(clip, 24_000) == model.predict(clip, 24_000)
    again.save_pretrained(tmp_path / "again")
    assert load(tmp_path / "again").predict(clip, 24_000) == model.predict(clip, 24_000)
    adapter = json.loads((tmp_path / "again" / "adapter_config.json").read_text())
    assert adapter["base_model_name_or_path"] == "backbone"


def test_a_backbone_that_moved_can_be_named(tmp_path, make_tiny_mert, clip):
    mert = make_tiny_mert(tmp_path / "mert")
    model = MertMeterClassifier.from_backbone(str(mert)).eval()
    model.save_pretrained(tmp_path / "saved")
    moved = shutil.move(mert, tmp_path / "elsewhere")
    with pytest.raises(CheckpointError, match=r"backbone: .*mert"):
        load(tmp_path / "saved")
    again = load(tmp_path / "saved", backbone=str(moved))
    assert again.predict(clip, 24_000) == model.predict(clip, 24_000)


def test_another_backbone_is_refused(tmp_path, make_tiny_mert, tiny_checkpoint):
    for name, settings in {"values": {"seed": 1}, "depth": {"num_hidden_layers": 4}}.items():
        other = make_tiny_mert(tmp_path / name, **settings)
        with pytest.raises(CheckpointError, match="is for backbone") as error:
            load(tiny_checkpoint, backbone=str(other))
        assert "\n" not in str(error.value)


def flip_last_byte(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


HUGE = 10**400
DAMAGES = {
    "no head config": lambda f: (f / "head" / "config.json").unlink(),
    "empty head config": lambda f: (f / "head" / "config.json").write_text(""),
    "head config is a list": lambda f: (f / "head" / "config.json").write_text("[]"),
    "another format": lambda f: edit(f / "head" / "config.json", format=2),
    "other meters": lambda f: edit(f / "head" / "config.json", meters=[3, 4]),
    "no backbone": lambda f: edit(f / "head" / "config.json", backbone=None),
    "a climbing backbone": lambda f: edit(
        f / "head" / "config.json",
        backbone={
            "name": "../../etc",
            "revision": None,
            "licence": "mit",
            "layers": 3,
            "fingerprint": "0",
        },
    ),
    "layers as text": lambda f: edit(f / "head" / "config.json", max_layer="3"),
    "too many layers": lambda f: edit(f / "head" / "config.json", max_layer=30),
    "no files": lambda f: edit(f / "head" / "config.json", files={}),
    "evaluation is text": lambda f: edit(f / "head" / "config.json", evaluation={"a": {"b": "c"}}),
    "a scale beyond all floats": lambda f: edit(
        f / "head" / "config.json", scaling={"scale": HUGE}
    ),
    "a threshold beyond all floats": lambda f: edit(
        f / "head" / "config.json",
        noise_floors={"evaluation": [HUGE] * 6, "production": [None] * 6},
    ),
    "a backbone that the hub cannot have": lambda f: edit(
        f / "head" / "config.json",
        backbone={
            "name": "me/a--b",
            "revision": None,
            "licence": "mit",
            "layers": 3,
            "fingerprint": "0",
        },
    ),
    "a head of half a terabyte": lambda f: edit(
        f / "head" / "config.json",
        head={"dim": 65_536, "inputs": "rhythm", "evidence_size": 65_536, "members": 10},
    ),
    "head weights changed": lambda f: flip_last_byte(f / "head" / "model.safetensors"),
    "head weights gone": lambda f: (f / "head" / "model.safetensors").unlink(),
    "adapter weights cut": lambda f: (f / "adapter_model.safetensors").write_bytes(b"short"),
    "adapter config gone": lambda f: (f / "adapter_config.json").unlink(),
    "another rank": lambda f: edit(f / "adapter_config.json", r=8),
    "another alpha": lambda f: edit(f / "adapter_config.json", lora_alpha=64),
    "adapter by another name": lambda f: edit(f / "adapter_config.json", revision="x"),
    "no lora": lambda f: edit(f / "adapter_config.json", peft_type="IA3"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_gives_one_clear_line(copy, damage):
    DAMAGES[damage](copy)
    with pytest.raises(CheckpointError) as error:
        load(copy)
    assert "\n" not in str(error.value)


def test_weights_that_fit_nothing_are_refused(copy):
    import hashlib

    path = copy / "head" / "model.safetensors"
    tensors = load_file(path)
    tensors["extra"] = torch.zeros(1)
    save_file(tensors, path)
    files = json.loads((copy / "head" / "config.json").read_text())["files"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    edit(copy / "head" / "config.json", files=files | {"head/model.safetensors": digest})
    with pytest.raises(CheckpointError, match="1 unexpected"):
        load(copy)


def test_a_checkpoint_from_before_configurations_had_digests_is_read(copy, clip):
    path = copy / "head" / "config.json"
    files = json.loads(path.read_text())["files"]
    edit(path, files={name: files[name] for name in files if name.endswith(".safetensors")})
    before = load(copy).predict(clip, 24_000)
    edit(copy / "adapter_config.json", use_rslora=True)
    with pytest.raises(CheckpointError, match="use_rslora True"):
        load(copy)
    edit(copy / "adapter_config.json", use_rslora=False, lora_alpha=320)
    louder = load(copy)
    assert louder.config.lora.alpha == 320
    assert louder.predict(clip, 24_000) != before


def test_an_edited_backbone_is_noticed(tmp_path, trained_like):
    model = trained_like()
    model.carry_backbone("mit")
    model.save_pretrained(tmp_path)
    edit(tmp_path / "backbone" / "config.json", layer_norm_eps=0.5)
    with pytest.raises(CheckpointError, match=r"backbone.config\.json: is missing or damaged"):
        load(tmp_path)


def test_a_write_cut_short_is_noticed(copy, trained_like, monkeypatch):
    from pathlib import Path

    other = trained_like()
    with torch.no_grad():
        other.head.output.bias.add_(1)
    replace = Path.replace

    def fail_at_the_card(self, target):
        if self.name == "README.md":
            raise OSError("no space left")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail_at_the_card)
    with pytest.raises(OSError, match="no space"):
        other.save_pretrained(copy)
    with pytest.raises(CheckpointError, match="missing or damaged"):
        load(copy)
    assert not list(copy.glob(".writing-*"))


def test_predicting_leaves_training_on_and_is_without_dropout(trained_like, clip):
    model = trained_like()
    expected = model.predict(clip, 24_000)
    model.train()
    assert model.predict(clip, 24_000) == expected
    assert model.training
    assert model.head.training


def test_a_longer_recording_is_heard_in_its_middle(trained_like, music):
    model = trained_like(clip_seconds=6.0)
    long = music(10)
    assert model.predict(long, 24_000) == model.predict(long[2 * 24_000 : 8 * 24_000], 24_000)


def test_stereo_and_another_rate_are_heard_alike(trained_like, music):
    model = trained_like()
    low = music(6, rate=24_000)
    high = np.repeat(low[:, None], 2, axis=1)
    assert model.predict(high, 24_000) == model.predict(low, 24_000)
    assert len(model.predict(music(6, rate=44_100), 44_100).chunks) == 2


def test_bfloat16_tells_the_same(tiny_checkpoint, clip):
    exact, rounded = (
        load(tiny_checkpoint, dtype=dtype).predict(clip, 24_000).probabilities
        for dtype in ("float32", "bfloat16")
    )
    assert exact != rounded
    assert all(rounded[meter] == pytest.approx(exact[meter], abs=0.02) for meter in exact)


def test_a_rounded_model_is_not_saved(tiny_checkpoint, tmp_path):
    with pytest.raises(CheckpointError, match="bfloat16"):
        load(tiny_checkpoint, dtype="bfloat16").save_pretrained(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"device": name}
        for name in ("tpu", "cuda:x", "cpu:", "cpu:\u0663", "auto:1", "cpu:1", "cuda:99")
    ]
    + [{"dtype": "int8"}],
)
def test_devices_and_precisions_that_are_none_are_named(tiny_checkpoint, wrong):
    with pytest.raises(CheckpointError, match=next(iter(wrong))):
        load(tiny_checkpoint, **wrong)


def test_a_device_that_is_not_there_is_named(tiny_checkpoint):
    if torch.backends.mps.is_available():
        pytest.skip("this machine has mps")
    with pytest.raises(CheckpointError, match="'mps' is not on this machine"):
        load(tiny_checkpoint, device="mps")


def test_uploading_sends_the_folder(trained_like, monkeypatch):
    import huggingface_hub

    calls = []

    class Api:
        def __init__(self, token):
            calls.append(token)

        def create_repo(self, repo_id, private, exist_ok):
            calls.append((repo_id, private, exist_ok))

        def upload_folder(self, repo_id, folder_path):
            from pathlib import Path

            calls.append((repo_id, sorted(p.name for p in Path(folder_path).iterdir())))
            return "https://hub/commit"

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    assert trained_like().push_to_hub("me/meter", private=True, token="t") == "https://hub/commit"
    assert calls == [
        "t",
        ("me/meter", True, True),
        ("me/meter", ["README.md", "adapter_config.json", "adapter_model.safetensors", "head"]),
    ]


def test_the_card_says_what_a_reader_must_know(tmp_path, trained_like):
    model = trained_like()
    model.config.evaluation = {"real": {"balanced accuracy": 0.71}, "rendered": {"mAP": 0.8}}
    model.config.training_note = "Thirty epochs."
    model.config.thresholds = SecondMeterThresholds((None,) * 6, (0.25,) * 6)
    model.save_pretrained(tmp_path)
    card = (tmp_path / "README.md").read_text()
    assert ModelCard(card).data.license == "other"
    assert "| real | 0.710 |  |" in card
    assert "| rendered |  | 0.800 |" in card
    assert "Thirty epochs." in card
    assert "not calibrated" in card
    assert str(tmp_path.parent) not in card


def test_a_card_on_a_non_commercial_base_says_so(tmp_path, trained_like):
    from dataclasses import replace

    model = trained_like()
    model.config.backbone = replace(
        model.config.backbone, name="m-a-p/MERT-v1-95M", revision="abc", licence="cc-by-nc-4.0"
    )
    model.save_pretrained(tmp_path)
    card = (tmp_path / "README.md").read_text()
    data = ModelCard(card).data
    assert data.license == "cc-by-nc-4.0"
    assert data.base_model == "m-a-p/MERT-v1-95M"
    assert "non-commercial use only" in card


def test_a_rounded_model_still_knows_how_many_parameters_it_has(tiny_checkpoint):
    plain, rounded = (
        MertMeterClassifier.from_pretrained(tiny_checkpoint, device="cpu", dtype=dtype)
        for dtype in ("float32", "bfloat16")
    )
    assert rounded.parameter_count() == plain.parameter_count()
