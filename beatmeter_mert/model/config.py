"""What ``head/config.json`` holds: everything about a checkpoint but its weights."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from beatmeter.meters import METERS
from beatmeter_mert.errors import CheckpointError
from beatmeter_mert.model.backbone import BackboneReference
from beatmeter_mert.model.head import HeadSettings
from beatmeter_mert.model.preprocessing import Preprocessing
from beatmeter_mert.model.scaling import PlattScaling
from beatmeter_mert.model.thresholds import NoiseFloors
from beatmeter_mert.model.tta import check_rates

FORMAT = 1
_NAME = re.compile(r"backbone|[\w-][\w.-]*/[\w-][\w.-]*")
_DIGEST = re.compile(r"[0-9a-f]{64}")

Evaluation = dict[str, dict[str, float]]


@dataclass(frozen=True)
class CheckpointConfig:
    """Everything about a checkpoint but its weights.

    Attributes
    ----------
    backbone : BackboneReference
    max_layer : int >= 1
        Number of layers that the head reads, from layer 1.
    preprocessing : Preprocessing
    head : HeadSettings
    noise_floors : NoiseFloors
    files : dict of str to str
        SHA-256 of every weight file in the folder, by its path.
    playback_rates : tuple of float
        At which a clip is heard besides as it is.
    scaling : PlattScaling
        Of the clip's logits.
    evaluation : dict of str to dict of str to float
        Figures by dataset and metric, for the model card.
    training_note : str
        A paragraph on how it was trained, for the model card.
    """

    backbone: BackboneReference
    max_layer: int
    preprocessing: Preprocessing
    head: HeadSettings
    noise_floors: NoiseFloors
    files: dict[str, str]
    playback_rates: tuple[float, ...] = ()
    scaling: PlattScaling = field(default_factory=PlattScaling)
    evaluation: Evaluation = field(default_factory=dict)
    training_note: str = ""

    def to_json(self) -> str:
        """Write the text of ``head/config.json``."""
        content = {"format": FORMAT, "meters": list(METERS)} | asdict(self)
        return json.dumps(content, indent=2) + "\n"


def config_from_fields(fields: Mapping[str, Any], source: str) -> CheckpointConfig:
    """Read the fields of a ``head/config.json``.

    Raises
    ------
    CheckpointError
        If the format or the meters are others, or a field is missing, unknown or out of range.
    """
    if fields.get("format") != FORMAT:
        raise CheckpointError(f"{source}: format {fields.get('format')!r} (allowed: {FORMAT})")
    if fields.get("meters") != list(METERS):
        raise CheckpointError(
            f"{source}: meters {fields.get('meters')!r} (allowed: {list(METERS)})"
        )
    try:
        config = CheckpointConfig(
            backbone=BackboneReference(**fields["backbone"]),
            max_layer=fields["max_layer"],
            preprocessing=Preprocessing(**fields["preprocessing"]),
            head=HeadSettings(**fields["head"]),
            noise_floors=NoiseFloors.from_mapping(fields["noise_floors"]),
            files=dict(fields["files"]),
            playback_rates=check_rates(fields.get("playback_rates", ())),
            scaling=PlattScaling(**fields.get("scaling", {})),
            evaluation={name: dict(row) for name, row in fields["evaluation"].items()},
            training_note=str(fields["training_note"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{source}: is damaged ({type(error).__name__}: {error})") from error
    except CheckpointError as error:
        raise CheckpointError(f"{source}: {error}") from error
    _check(config, source)
    return config


def _check(config: CheckpointConfig, source: str) -> None:
    backbone = config.backbone
    texts = (backbone.name, backbone.licence, backbone.fingerprint, backbone.revision or "")
    if not all(isinstance(text, str) for text in texts):
        raise CheckpointError(f"{source}: backbone {texts!r} (allowed: text)")
    if not _NAME.fullmatch(backbone.name) and not Path(backbone.name).is_absolute():
        raise CheckpointError(
            f"{source}: backbone {backbone.name!r} (allowed: owner/name, backbone, or a full path)"
        )
    for name, value in (("max_layer", config.max_layer), ("layers", backbone.layers)):
        if type(value) is not int or value < 1:
            raise CheckpointError(f"{source}: {name} {value!r} (allowed: 1 or more)")
    if not all(isinstance(v, str) and _DIGEST.fullmatch(v) for v in config.files.values()):
        raise CheckpointError(f"{source}: files {config.files!r} (allowed: SHA-256 digests)")
    figures = [figure for row in config.evaluation.values() for figure in row.values()]
    if not all(isinstance(figure, int | float) for figure in figures):
        raise CheckpointError(f"{source}: evaluation holds something else than numbers")
