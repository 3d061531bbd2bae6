"""The science: pure functions over arrays, with the equations they implement.

Imports no Dagster, no lake and no network. "The paper" is Ann He, "Multimodal Representation Learning
for User Qualia" (2025). Heavy libraries are imported inside functions.
"""
