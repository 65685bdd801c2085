"""Inlay's editor plugins and the client they share. Standard library only; see docs/protocol.md for what travels."""
