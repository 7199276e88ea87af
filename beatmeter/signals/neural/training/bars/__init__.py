"""Training of the bar network: pulses of rendered clips, their features and labels, one loop."""
