-- The paper's Table 1: without adapter, on held-out matches. The annotation space is the adapters' start.

SELECT
    user,
    uniformity,
    modality_ratio,
    coherence,
    coherence_std,
    coherence_low,
    coherence_high,
    coherence_chance,
    same_modality_share,
    cross_modal_r_precision,
    cross_modal_low,
    cross_modal_high,
    cross_modal_chance,
    items
FROM test_figures
WHERE space = 'annotation'
ORDER BY user
