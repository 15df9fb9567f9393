"""The feature server and stream ingest: enough to see what roles really let somebody do."""
