"""Inpainting with patches of the surroundings."""
