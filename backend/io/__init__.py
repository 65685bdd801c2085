"""Image files and color profiles, and rasters as arrays."""
