"""The backend as a client sees it: where it listens, how it is found, launched and locked."""
