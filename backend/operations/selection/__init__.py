"""Selections: the subject, objects, classes, color clusters, refined edges; and what is extracted by them."""
