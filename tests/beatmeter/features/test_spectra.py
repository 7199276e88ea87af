import numpy as np
import pytest

from beatmeter.features import spectra

RATE = 22050


def tone(frequency, seconds=2.0):
    time = np.arange(round(seconds * RATE)) / RATE
    return np.sin(2 * np.pi * frequency * time).astype(np.float32)


def test_a_sinusoid_of_amplitude_one_peaks_at_one():
    spectrogram = spectra.magnitude_spectrogram(tone(RATE / 1024 * 40), 1024, 256)
    assert spectrogram[20].argmax() == 40
    assert spectrogram[20].max() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("length", [1, 255, 256, 5000])
def test_there_is_a_frame_for_every_hop(length):
    assert len(spectra.magnitude_spectrogram(np.ones(length, np.float32), 1024, 256)) == (
        1 + length // 256
    )


def test_the_mel_filterbank_is_librosas():
    librosa = pytest.importorskip("librosa")
    ours = spectra.mel_filterbank(RATE, 2048, 64, 30.0, 10000.0)
    theirs = librosa.filters.mel(sr=RATE, n_fft=2048, n_mels=64, fmin=30.0, fmax=10000.0)
    np.testing.assert_allclose(ours.T, theirs, atol=1e-6)


@pytest.mark.parametrize(("frequency", "pitch_class"), [(261.63, 0), (440.0, 9), (987.77, 11)])
def test_chroma_puts_a_tone_on_its_pitch_class(frequency, pitch_class):
    filters = spectra.chroma_filterbank(RATE, 4096, 55.0, 4000.0)
    chroma = spectra.magnitude_spectrogram(tone(frequency), 4096, 1024) @ filters
    assert set(chroma[5:-5].argmax(axis=1)) == {pitch_class}


def test_the_cosine_basis_is_orthonormal_and_has_no_constant():
    basis = spectra.dct_basis(48, 12)
    np.testing.assert_allclose(basis.T @ basis, np.eye(12), atol=1e-5)
    np.testing.assert_allclose(basis.sum(axis=0), 0.0, atol=1e-4)
