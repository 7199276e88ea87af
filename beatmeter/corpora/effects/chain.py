"""What happens to music between the instruments and the file.

Every effect keeps each moment where it is, and its strength is drawn without a look at the meter.
Changes of tempo and pitch stand in :mod:`~beatmeter.corpora.effects.warp`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from beatmeter.audio.samples import Samples
from beatmeter.corpora.effects.codec import decode, encode
from beatmeter.corpora.effects.compressor import compress
from beatmeter.corpora.effects.reverb import reverberate, room_response
from beatmeter.corpora.perform.render import SAMPLE_RATE

_CODECS = ("vorbis", "mp3", "opus")
_CODEC_SHARES = (0.64, 0.32, 0.04)
_LOUDEST_DB = -0.5
_QUIETEST_DB = -18.0


@dataclass(frozen=True)
class Effect:
    """One stage of the chain.

    Attributes
    ----------
    name : str
    probability : float in [0, 1]
        How often it is applied.
    apply : callable
        From samples of shape (n,) at :data:`SAMPLE_RATE` and a random generator to as many.
    """

    name: str
    probability: float
    apply: Callable[[Samples, np.random.Generator], Samples]


def apply_effects(samples: Samples, rng: np.random.Generator) -> tuple[Samples, tuple[str, ...]]:
    """Send a recording through the chain, each effect with its own probability.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        At :data:`SAMPLE_RATE`.
    rng : numpy.random.Generator
        Everything drawn is drawn from it: the same state gives the same samples.

    Returns
    -------
    samples : ndarray of float32, shape (n,)
        Within -1 to 1.
    names : tuple of str
        The effects that were applied, in order.
    """
    applied = []
    for effect in CHAIN:
        own = np.random.default_rng(rng.integers(2**63))
        if own.random() < effect.probability:
            samples = effect.apply(samples, own)
            applied.append(effect.name)
    return np.clip(samples, -1, 1), tuple(applied)


def _equalise(samples: Samples, rng: np.random.Generator) -> Samples:
    from audiomentations import SevenBandParametricEQ

    return _audiomentation(
        SevenBandParametricEQ(min_gain_db=-8, max_gain_db=8, p=1.0), samples, rng
    )


def _compress(samples: Samples, rng: np.random.Generator) -> Samples:
    return compress(
        samples,
        SAMPLE_RATE,
        threshold_db=rng.uniform(-28, -10),
        ratio=rng.uniform(1.5, 8),
        attack_s=10 ** rng.uniform(-2.5, -1.4),
        release_s=10 ** rng.uniform(-1.4, -0.4),
    )


def _saturate(samples: Samples, rng: np.random.Generator) -> Samples:
    from audiomentations import TanhDistortion

    return _audiomentation(
        TanhDistortion(min_distortion=0.01, max_distortion=0.4, p=1.0), samples, rng
    )


def _reverberate(samples: Samples, rng: np.random.Generator) -> Samples:
    response = room_response(rng, 10 ** rng.uniform(-0.7, 0.4), SAMPLE_RATE)
    return reverberate(samples, response, wet=10 ** rng.uniform(-1.3, -0.1))


def _add_noise(samples: Samples, rng: np.random.Generator) -> Samples:
    from audiomentations import AddColorNoise

    noise = AddColorNoise(min_snr_db=12, max_snr_db=45, min_f_decay=-6, max_f_decay=0, p=1.0)
    return _audiomentation(noise, samples, rng)


def _limit_band(samples: Samples, rng: np.random.Generator) -> Samples:
    """Band-limit as an old radio or a small loudspeaker would."""
    from scipy.signal import butter, sosfilt

    low, high = 10 ** rng.uniform(1.6, 2.5), 10 ** rng.uniform(3.4, 3.95)
    bands = butter(2, (low, high), "bandpass", fs=SAMPLE_RATE, output="sos")
    limited: Samples = sosfilt(bands, samples).astype(np.float32)
    return limited


def _crush(samples: Samples, rng: np.random.Generator) -> Samples:
    from audiomentations import BitCrush

    return _audiomentation(BitCrush(min_bit_depth=7, max_bit_depth=11, p=1.0), samples, rng)


def _overdrive(samples: Samples, rng: np.random.Generator) -> Samples:
    """Clip the loudest moments, as a recording made too hot."""
    ceiling = np.quantile(np.abs(samples), rng.uniform(0.97, 0.999))
    return np.clip(samples, -ceiling, ceiling) if ceiling > 0 else samples


def _set_level(samples: Samples, rng: np.random.Generator) -> Samples:
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0:
        return samples
    level = 10 ** (rng.uniform(_QUIETEST_DB, _LOUDEST_DB) / 20)
    levelled: Samples = (samples * (level / peak)).astype(np.float32)
    return levelled


def _code(samples: Samples, rng: np.random.Generator) -> Samples:
    codec = str(rng.choice(_CODECS, p=_CODEC_SHARES))
    coded = decode(encode(samples, SAMPLE_RATE, codec, compression=rng.uniform(0.4, 0.95)))
    return coded[: len(samples)]


CHAIN = (
    Effect("equaliser", 0.5, _equalise),
    Effect("compression", 0.4, _compress),
    Effect("saturation", 0.2, _saturate),
    Effect("room", 0.6, _reverberate),
    Effect("noise", 0.35, _add_noise),
    Effect("band limit", 0.15, _limit_band),
    Effect("bit reduction", 0.05, _crush),
    Effect("clipping", 0.12, _overdrive),
    Effect("level", 1.0, _set_level),
    Effect("codec", 0.25, _code),
)


def _audiomentation(
    transform: Callable[..., Samples], samples: Samples, rng: np.random.Generator
) -> Samples:
    with _seeded(int(rng.integers(2**32))):
        return transform(samples, sample_rate=SAMPLE_RATE)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the global generators, which audiomentations draws from, and put them back after."""
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
