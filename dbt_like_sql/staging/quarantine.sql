-- Records, pictures and annotations of the user that could not be used, each with its reason.

SELECT 'folder' AS source, record, reason, mend
FROM folder_rejects
UNION ALL
SELECT
    items.source,
    items.record,
    CASE blobs.status
        WHEN 'bomb' THEN 'its picture has more than 50 million pixels'
        WHEN 'too_big' THEN 'its picture has more than 20 MiB'
        WHEN 'gone' THEN 'its picture is missing from the lake'
        ELSE 'its picture is damaged or of no kind that is read'
    END AS reason,
    CASE blobs.status
        WHEN 'gone' THEN 'Import it again.'
        ELSE 'Save the picture as JPEG, PNG, WebP or GIF, and smaller.'
    END AS mend
FROM image_blobs AS blobs
INNER JOIN (
    SELECT 'folder' AS source, record, image_sha256 FROM folder_items
    UNION ALL
    SELECT 'demo' AS source, record, image_sha256 FROM demo_items
) AS items ON items.image_sha256 = blobs.sha256
WHERE blobs.status <> 'ok'
UNION ALL
SELECT
    'annotations' AS source,
    artefact_id AS record,
    coalesce(error, status) AS reason,
    'Give the item a title, a text or tags.' AS mend
FROM annotations
WHERE status <> 'ok'
ORDER BY source, record
