-- When each table of each user was last replaced, and how far it lies behind the newest of theirs.

SELECT
    user,
    table_name,
    rows,
    bytes,
    written_at,
    date_diff('second', written_at, max(written_at) OVER (PARTITION BY user)) AS seconds_behind_newest
FROM lake_files
ORDER BY user, written_at, table_name
