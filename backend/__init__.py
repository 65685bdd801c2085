"""Inlay's backend: a broker that never blocks and workers that own the GPU."""

__version__ = "0.1.0"
