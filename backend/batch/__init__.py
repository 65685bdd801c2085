"""Recipes over many images: `inlay batch`. What a recipe is, what it does to an image, and what became of each file."""
