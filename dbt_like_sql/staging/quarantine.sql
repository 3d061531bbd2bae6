-- Records, pictures and annotations of the user that could not be used, each with its reason.

WITH pictures AS (
    SELECT 'folder' AS source, record, image_sha256 AS sha256, NULL AS url FROM folder_items
    UNION ALL
    SELECT 'demo' AS source, record, image_sha256 AS sha256, NULL AS url FROM demo_items
    UNION ALL
    SELECT 'pinterest' AS source, record, NULL AS sha256, image_url AS url FROM pinterest_export
    UNION ALL
    SELECT 'pinterest' AS source, record, NULL AS sha256, image_url AS url FROM pinterest_pins
),

looked_at AS (
    SELECT
        pictures.source,
        pictures.record,
        coalesce(blobs.status, refs.status) AS status,
        pictures.url IS NOT NULL AS fetched
    FROM pictures
    LEFT JOIN image_refs AS refs ON refs.url = pictures.url
    LEFT JOIN image_blobs AS blobs ON blobs.sha256 = coalesce(pictures.sha256, refs.sha256)
)

SELECT 'folder' AS source, record, reason, mend
FROM folder_rejects
UNION ALL
SELECT 'substack' AS source, record, reason, mend
FROM substack_export_rejects
UNION ALL
SELECT 'substack' AS source, record, reason, mend
FROM substack_rejects
UNION ALL
SELECT 'pinterest' AS source, record, reason, mend
FROM pinterest_export_rejects
UNION ALL
SELECT 'pinterest' AS source, record, reason, mend
FROM pinterest_rejects
UNION ALL
SELECT
    source,
    record,
    CASE status
        WHEN 'bomb' THEN 'its picture has more than 50 million pixels'
        WHEN 'too_big' THEN 'its picture has more than 20 MiB'
        WHEN 'gone' THEN 'its picture is gone'
        WHEN 'waiting' THEN 'its picture was not fetched yet'
        WHEN 'blocked' THEN 'its picture lies where pictures are not fetched from'
        ELSE 'its picture is damaged or of no kind that is read'
    END AS reason,
    CASE
        WHEN status = 'waiting' THEN 'Agree to it (qualia user consent KEY images), then run again.'
        WHEN status = 'blocked' THEN 'See hosts under [images] in qualia.toml.'
        WHEN fetched THEN 'Nothing: it is like that where it lies.'
        WHEN status = 'gone' THEN 'Import it again.'
        ELSE 'Save the picture as JPEG, PNG, WebP or GIF, and smaller.'
    END AS mend
FROM looked_at
WHERE status <> 'ok'
UNION ALL
SELECT
    'annotations' AS source,
    artefact_id AS record,
    coalesce(error, status) AS reason,
    'Give the item a title, a text or tags.' AS mend
FROM annotations
WHERE status <> 'ok'
ORDER BY source, record
