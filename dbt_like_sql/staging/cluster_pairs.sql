-- The matched clusters by name: essays on one side, pictures on the other.

SELECT
    cluster_matches.match,
    text_card.label AS text_label,
    text_card.size AS texts,
    image_card.label AS image_label,
    image_card.size AS images,
    cluster_matches.similarity,
    cluster_matches.mutual_best,
    cluster_matches.accepted,
    cluster_matches.split
FROM cluster_matches
LEFT JOIN cluster_cards AS text_card
    ON text_card.modality = cluster_matches.modality_a AND text_card.cluster = cluster_matches.cluster_a
LEFT JOIN cluster_cards AS image_card
    ON image_card.modality = cluster_matches.modality_b AND image_card.cluster = cluster_matches.cluster_b
ORDER BY cluster_matches.similarity DESC, cluster_matches.match
