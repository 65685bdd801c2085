"""Training of the networks: data, augmentation, losses, metrics and one loop a task. Run `python -m
models.training`."""
