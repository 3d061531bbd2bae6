"""The thin Dagster shell: one module per stage, in the order of the graph.

folder_items, demo_items -> image_blobs -> artefacts -> annotations -> embeddings -> neighbours ->
cluster_projections -> clusters -> cluster_cards, cluster_matches -> adapters -> adapted_embeddings ->
projections, metrics -> figures; SQL staging and marts after them.
"""
