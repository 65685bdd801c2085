"""Content-aware fill and the removal of subjects and objects."""
