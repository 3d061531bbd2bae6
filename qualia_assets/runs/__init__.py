"""Runs started outside Dagster's UI: what is stale, one run of it, and the schedule."""
