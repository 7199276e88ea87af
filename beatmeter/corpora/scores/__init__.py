"""Scores: which there are, reading them, and keeping what was read."""
