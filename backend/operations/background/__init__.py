"""Effects on the background alone."""
