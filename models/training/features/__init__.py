"""Distillation of the feature network."""
