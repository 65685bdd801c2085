"""Color spaces, gains, and color transforms that vary over the image."""
