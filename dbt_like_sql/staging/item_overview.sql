-- One row for each item: what it is, what it feels like, and where it belongs.

SELECT
    artefacts.artefact_id,
    artefacts.modality,
    artefacts.source,
    artefacts.title,
    artefacts.url,
    artefacts.collection,
    annotations.summary,
    annotations.aesthetic,
    annotations.themes,
    annotations.mood,
    annotations.lifestyle,
    annotations.moment,
    clusters.cluster,
    clusters.probability,
    cluster_cards.label AS cluster_label,
    cluster_matches.match,
    cluster_matches.split
FROM artefacts
LEFT JOIN annotations ON annotations.artefact_id = artefacts.artefact_id
LEFT JOIN clusters ON clusters.artefact_id = artefacts.artefact_id
LEFT JOIN cluster_cards
    ON cluster_cards.modality = clusters.modality AND cluster_cards.cluster = clusters.cluster
LEFT JOIN cluster_matches
    ON cluster_matches.accepted
    AND clusters.cluster = CASE clusters.modality
        WHEN cluster_matches.modality_a THEN cluster_matches.cluster_a
        WHEN cluster_matches.modality_b THEN cluster_matches.cluster_b
    END
ORDER BY artefacts.artefact_id
