-- One row for each user: how much there is of everything, and what the selected adapter does.

WITH items AS (
    SELECT
        user,
        count(*) FILTER (modality = 'text') AS texts,
        count(*) FILTER (modality = 'image') AS images,
        count(DISTINCT cluster) FILTER (modality = 'text' AND cluster >= 0) AS text_clusters,
        count(DISTINCT cluster) FILTER (modality = 'image' AND cluster >= 0) AS image_clusters,
        avg((cluster = -1)::DOUBLE) AS noise_share
    FROM item_overview
    GROUP BY user
),

matches AS (
    SELECT user, count(*) FILTER (accepted) AS accepted_matches, avg(similarity) FILTER (accepted) AS similarity
    FROM cluster_pairs
    GROUP BY user
),

left_out AS (
    SELECT user, count(*) AS quarantined
    FROM quarantine
    GROUP BY user
),

figures AS (
    SELECT
        user,
        max(config_id) FILTER (selected) AS selected,
        max(cross_modal_r_precision) FILTER (space = 'annotation') AS cross_modal_doing_nothing,
        max(cross_modal_r_precision) FILTER (selected) AS cross_modal_selected
    FROM test_figures
    GROUP BY user
)

SELECT
    items.user,
    items.texts,
    items.images,
    items.text_clusters,
    items.image_clusters,
    items.noise_share,
    coalesce(matches.accepted_matches, 0) AS accepted_matches,
    matches.similarity AS mean_match_similarity,
    coalesce(left_out.quarantined, 0) AS quarantined,
    figures.selected,
    figures.cross_modal_doing_nothing,
    figures.cross_modal_selected
FROM items
LEFT JOIN matches ON matches.user = items.user
LEFT JOIN left_out ON left_out.user = items.user
LEFT JOIN figures ON figures.user = items.user
ORDER BY items.user
