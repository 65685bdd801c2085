"""Training of the segmentation networks."""
