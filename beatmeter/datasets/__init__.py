"""Labelled recordings: tables in METER2800's layout, fixture sets."""
