"""From a file or samples to excerpts: decoding, inputs, excerpts."""
