"""Alpha mattes and foreground colors."""
