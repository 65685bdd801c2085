"""Training of the style networks."""
