"""Checkpoints: their cards, weights, downloads and builders."""
