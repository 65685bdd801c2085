"""Training of the copy-paste network."""
