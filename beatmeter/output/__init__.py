"""Ways to write an analysis down: a table, JSON lines, JAMS, a picture."""
