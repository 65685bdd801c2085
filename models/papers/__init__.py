"""The systems of the reports, one paper a file."""
