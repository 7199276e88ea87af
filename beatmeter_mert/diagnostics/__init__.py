"""Metrics and plots of a multi-label meter classifier.

Conventions
-----------
As in :mod:`beatmeter.evaluation.metrics`: ``probabilities`` and ``labels`` have shape (n, 6), and
the six probabilities of a clip are independent of each other. ``works`` names the song or score of
each clip, shape (n,).

Nothing here needs torch.
"""
