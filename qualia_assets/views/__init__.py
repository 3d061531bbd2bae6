"""What pages show, computed from the lake's tables: items, clusters and the points of a map."""
