-- The paper's Table 3: two layers at each temperature, on held-out matches, doing nothing beside it.

SELECT
    figures.user,
    figures.temperature,
    figures.balance_weight,
    figures.balance_term,
    figures.seed,
    figures.uniformity,
    figures.modality_ratio,
    figures.coherence,
    figures.coherence_std,
    figures.coherence_low,
    figures.coherence_high,
    figures.coherence - nothing.coherence AS coherence_over_nothing,
    figures.same_modality_share,
    figures.cross_modal_r_precision,
    figures.cross_modal_low,
    figures.cross_modal_high,
    figures.cross_modal_r_precision - nothing.cross_modal_r_precision AS cross_modal_over_nothing,
    figures.selected,
    figures.items
FROM test_figures AS figures
LEFT JOIN test_figures AS nothing ON nothing.user = figures.user AND nothing.space = 'annotation'
WHERE figures.recipe = 'paper' AND figures.arch = 'mlp'
ORDER BY figures.user, figures.temperature, figures.balance_weight, figures.balance_term, figures.seed
