"""The thin Dagster shell: one module per group of stages, in the order of the graph.

    sources, crawls -> pictures -> artefacts -> embeddings (of items and captions) -> picture_heads ->
    annotations -> embeddings (of annotations) -> clusters (neighbours, UMAP, HDBSCAN, names, matches) ->
    quality, adapters -> projections, metrics -> history, figures
    sql: staging per user, marts over all users, qualia.duckdb; experiments: on demand; costs: the ledger

A module holds stages and what only they need. ``stage`` declares one, ``resources`` holds what it works with,
``execution`` runs it in Dagster, ``catalogue`` lists all; ``jobs`` says what starts runs. docs/design.md
draws the whole graph.
"""
