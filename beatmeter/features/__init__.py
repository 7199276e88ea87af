"""The front end of the ensemble: spectra, onset envelopes, pulses, beat-synchronous features.

Pure functions on arrays. Time runs along the first axis everywhere.
"""
