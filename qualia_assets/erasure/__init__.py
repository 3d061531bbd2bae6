"""Erasing a user: everything that is theirs alone, in the lake, the state and Dagster's records."""
