"""Pre-training of a small backbone, from scratch, on music whose every beat is known."""
