"""The SCIM 2.0 service provider that identity providers push to (RFC 7643, RFC 7644)."""

from app.scim.blueprint import create_blueprint

__all__ = ["create_blueprint"]
