"""Fitting calibrations and weights on labelled music: ``beatmeter calibrate``."""
