"""Annotations (soft labels) of texts and pictures: one protocol, one module for each provider."""
