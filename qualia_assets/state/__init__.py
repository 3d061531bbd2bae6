"""The operational database: what was requested, answered and spent. Items and results are in the lake."""
