"""The connection to the backend: sockets, messages in flight, and the thread that carries them."""
