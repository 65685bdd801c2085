"""Poisson image editing and its solvers."""
