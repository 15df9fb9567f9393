"""The JSON services on Tecton's metadata server, under /api/v1."""
