"""Pre-training of a small backbone on whole sequences: beats, downbeats and bar length by frame."""
