"""What a policy says of service accounts: which it desires, where their keys go, how secrets are rotated."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from app.core.policy_part import Duration, Name, Part

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class VaultPlace(Part):
    """One field of one secret in HashiCorp Vault's key/value engine, version 2; its other fields are left alone."""

    url: Name
    mount: Name = "secret"
    path: Name
    field: Name = "key"
    namespace: Name | None = None

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        parts = urlsplit(url)
        is_plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not (parts.scheme == "https" or is_plain) or not parts.hostname or parts.username or parts.query:
            raise ValueError("must be an https:// address, without user or query: a key travels there")
        return url.rstrip("/")

    def __str__(self) -> str:
        within = f" in namespace {self.namespace}" if self.namespace else ""
        return f"Vault {self.url}, {self.mount}/{self.path}, field {self.field}{within}"


class Delivery(Part):
    """Where a one-time key goes: into a secret scope of Tecton, or into Vault."""

    secret_scope: Name | None = None
    key: Name | None = None
    vault: VaultPlace | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        in_scope = self.secret_scope is not None and self.key is not None
        half = self.secret_scope is not None or self.key is not None
        if in_scope is (self.vault is not None) or half is not in_scope:
            raise ValueError("needs secret_scope and key, or vault: {url, mount, path, field}")
        return self

    def __str__(self) -> str:
        return str(self.vault) if self.vault else f"secret scope {self.secret_scope}, key {self.key}"


class DeclaredServiceAccount(Part):
    """A service account that the policy itself desires.

    `rotate_every` is for OAuth accounts: Tecton cannot replace an API key. `keep_for_probes` keeps a
    sealed copy of the key, with which the access probes call.
    """

    name: Name
    description: str | None = None
    groups: tuple[Name, ...] = ()
    credentials: Literal["api_key", "oauth"] = "api_key"
    deliver_to: Delivery | None = None
    rotate_every: Duration | None = None
    keep_for_probes: bool = False

    @model_validator(mode="after")
    def _can_rotate(self) -> Self:
        if self.rotate_every is not None and self.credentials != "oauth":
            raise ValueError("rotate_every needs `credentials: oauth`: Tecton cannot replace the key of an account")
        return self


class Credentials(Part):
    """The waits that make a change of credentials safe.

    `propagation`: until a new credential, or a change of roles, is known everywhere (documented: 60 s);
    `token_lifetime`: how long a token of the old secret may be in use (documented: 1 h);
    `delete_after`: how long a deactivated secret stays, to be activated again if something was missed.
    """

    propagation: Duration = Field(default=timedelta(seconds=60), ge=timedelta(0))
    token_lifetime: Duration = Field(default=timedelta(hours=1), ge=timedelta(0))
    delete_after: Duration = Field(default=timedelta(days=1), ge=timedelta(0))

    @property
    def whole_rotation(self) -> timedelta:
        """How long a rotation takes at the least."""
        return self.propagation + self.token_lifetime + self.delete_after
