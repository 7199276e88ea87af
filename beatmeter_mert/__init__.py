"""The MERT signal of BeatMeter: a music transformer with LoRA adapters, classifying meter."""
