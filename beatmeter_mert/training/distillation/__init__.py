"""Distillation on pooled features: a small backbone trained from scratch on rendered music."""
