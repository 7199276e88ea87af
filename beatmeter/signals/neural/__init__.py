"""Networks that hear beats: one of our own, run by numpy, and two of others that may be named."""
