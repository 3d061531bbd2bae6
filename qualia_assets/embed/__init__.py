"""Vectors for texts and pictures: one protocol, one module per provider."""
