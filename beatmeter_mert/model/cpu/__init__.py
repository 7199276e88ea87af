"""Inference on a CPU: the layout that computes in bfloat16, frames first."""
