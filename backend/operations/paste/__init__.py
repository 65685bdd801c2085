"""Pasting: harmonization, composites of a subject, portraits in paintings."""
