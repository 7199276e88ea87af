"""Labelled music: published collections, and music rendered from scores."""
