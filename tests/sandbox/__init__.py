"""The sandbox, seen through the wire."""
