"""The lake: Parquet tables and blobs on a file system. Knows no Dagster but ``io_manager``."""
