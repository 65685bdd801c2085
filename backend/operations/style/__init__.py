"""Style transfer: presets, arbitrary styles, the iterative method, custom styles."""
