"""Erasing a user's data from the lake, the state database and Dagster's records."""
