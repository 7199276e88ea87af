"""Labelled music, rendered from scores and compositions or spliced from recordings."""
