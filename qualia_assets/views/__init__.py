"""Pictures and printed tables made from the lake's tables."""
