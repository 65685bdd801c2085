"""Masks: regions, clusters, GrabCut, hysteresis."""
