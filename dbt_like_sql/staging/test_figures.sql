-- The figures on the test matches, one row for each space and adapter: full gallery, uncalibrated; those
-- called parity with offsets fitted on train and val, their ratios on the balanced gallery (1 is parity).

SELECT
    metrics.space,
    metrics.config_id,
    adapters.arch,
    adapters.recipe,
    adapters.kind,
    adapters.temperature,
    adapters.balance_weight,
    adapters.balance_term,
    adapters.seed,
    coalesce(adapters.selected, false) AS selected,
    max(metrics.value) FILTER (metric = 'uniformity' AND query_modality = 'all') AS uniformity,
    max(metrics.value) FILTER (metric = 'modality_ratio' AND query_modality = 'all') AS modality_ratio,
    max(metrics.value) FILTER (metric = 'modality_ratio' AND query_modality = 'text') AS modality_ratio_text_queries,
    max(metrics.value) FILTER (metric = 'modality_ratio' AND query_modality = 'image') AS modality_ratio_image_queries,
    max(metrics.value) FILTER (metric = 'same_modality_share' AND query_modality = 'all') AS same_modality_share,
    max(metrics.value) FILTER (metric = 'coherence' AND query_modality = 'all') AS coherence,
    max(metrics.std) FILTER (metric = 'coherence' AND query_modality = 'all') AS coherence_std,
    max(metrics.ci_low) FILTER (metric = 'coherence' AND query_modality = 'all') AS coherence_low,
    max(metrics.ci_high) FILTER (metric = 'coherence' AND query_modality = 'all') AS coherence_high,
    max(metrics.chance) FILTER (metric = 'coherence' AND query_modality = 'all') AS coherence_chance,
    max(metrics.value) FILTER (metric = 'cross_modal_r_precision' AND query_modality = 'all') AS cross_modal_r_precision,
    max(metrics.ci_low) FILTER (metric = 'cross_modal_r_precision' AND query_modality = 'all') AS cross_modal_low,
    max(metrics.ci_high) FILTER (metric = 'cross_modal_r_precision' AND query_modality = 'all') AS cross_modal_high,
    max(metrics.chance) FILTER (metric = 'cross_modal_r_precision' AND query_modality = 'all') AS cross_modal_chance,
    max(metrics.value) FILTER (metric = 'parity_coherence' AND query_modality = 'all') AS parity_coherence,
    max(metrics.value) FILTER (metric = 'parity_modality_ratio' AND query_modality = 'text') AS parity_ratio_text_queries,
    max(metrics.value) FILTER (metric = 'parity_modality_ratio' AND query_modality = 'image') AS parity_ratio_image_queries,
    max(metrics.n) FILTER (metric = 'coherence' AND query_modality = 'all') AS items
FROM metrics
LEFT JOIN adapters ON adapters.config_id = metrics.config_id
WHERE metrics.split = 'test'
    AND metrics.gallery = CASE WHEN metrics.metric = 'parity_modality_ratio' THEN 'balanced' ELSE 'full' END
    AND (NOT metrics.calibrated OR metrics.metric LIKE 'parity_%')
GROUP BY
    metrics.space, metrics.config_id, adapters.arch, adapters.recipe, adapters.kind, adapters.temperature,
    adapters.balance_weight, adapters.balance_term, adapters.seed, adapters.selected
ORDER BY metrics.space, adapters.arch, adapters.temperature, metrics.config_id
