"""The networks whose weights are bundled."""
