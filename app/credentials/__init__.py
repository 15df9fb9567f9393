"""The use cases of service accounts' credentials: deliver keys, rotate secrets, prove access."""
