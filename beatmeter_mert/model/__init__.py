"""What runs at inference: backbone, pooling, head, save and load, thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beatmeter_mert.model.classifier import MertMeterClassifier

__all__ = ["MertMeterClassifier"]


def __getattr__(name: str) -> Any:
    """Import torch only when the classifier is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from beatmeter_mert.model.classifier import MertMeterClassifier

    return MertMeterClassifier
