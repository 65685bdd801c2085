"""The worker: one process for one device. It owns torch and the networks."""
