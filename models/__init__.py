"""Networks, one paper a file; their cards, their weights and their training."""
