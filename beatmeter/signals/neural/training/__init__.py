"""Training the frame network on shards of frames; the only place here that needs torch."""
