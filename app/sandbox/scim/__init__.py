"""Tecton's SCIM endpoints, under /api/scim/v2."""
