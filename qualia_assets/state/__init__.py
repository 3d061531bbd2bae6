"""The operational database: the truth about work. Items and results are in the lake."""
