-- What each user's items cost, by stage, provider and day, by the providers' list prices.

SELECT
    user,
    day,
    stage,
    provider,
    requests,
    items,
    input_tokens,
    output_tokens,
    pixels,
    usd,
    sum(usd) OVER (PARTITION BY user ORDER BY day, stage, provider) AS usd_so_far
FROM provider_costs
ORDER BY user, day, stage, provider
