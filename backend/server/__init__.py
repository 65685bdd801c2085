"""The broker: it takes jobs from clients and has workers run them. Never imports torch or numpy."""
