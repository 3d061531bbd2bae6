"""Substack: the export of a writer's own posts, lists of what a user reads, and its public pages."""
