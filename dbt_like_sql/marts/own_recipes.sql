-- Recipes of our own on held-out matches, doing nothing beside each: what was gained, and at which calibration.

SELECT
    figures.user,
    figures.recipe,
    figures.kind,
    figures.coherence,
    figures.coherence_low,
    figures.coherence_high,
    figures.coherence - nothing.coherence AS coherence_over_nothing,
    figures.cross_modal_r_precision,
    figures.cross_modal_low,
    figures.cross_modal_high,
    figures.cross_modal_r_precision - nothing.cross_modal_r_precision AS cross_modal_over_nothing,
    figures.parity_coherence,
    figures.parity_ratio_text_queries,
    figures.parity_ratio_image_queries,
    figures.selected,
    figures.items
FROM test_figures AS figures
LEFT JOIN test_figures AS nothing ON nothing.user = figures.user AND nothing.space = 'annotation'
WHERE figures.recipe <> 'paper'
ORDER BY figures.user, figures.kind, figures.recipe
