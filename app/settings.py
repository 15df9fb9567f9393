"""Settings from the environment, or from a `.env` file where there is one."""

from __future__ import annotations

import difflib
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.durations import parse_duration


def _read_duration(value: Any) -> Any:
    """Return the duration that a variable writes. Raise ValueError without the text: it may be a misplaced secret."""
    try:
        return parse_duration(value) if isinstance(value, str) else value
    except (ValueError, OverflowError):
        pass
    raise ValueError("is not a duration: write a number and a unit, such as 30s, 15m, 1h or 90d")


Duration = Annotated[timedelta, BeforeValidator(_read_duration)]

# Of the calls that the rate allows, sweeps take no more than this share: pushes must not queue behind them.
SWEEP_SHARE = 0.8

ENV_FILE = ".env"
_KUBERNETES = re.compile(r"_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?$")


class SettingsError(Exception):
    """Settings that cannot be used: one line per variable."""


class Settings(BaseSettings):
    """Everything that the environment says. `config/bridge.example.env` documents each variable."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_file_encoding="utf-8", extra="ignore", populate_by_name=True
    )

    database_url: str = Field("sqlite:///var/bridge.db", alias="BRIDGE_DATABASE_URL")
    tecton_url: str = Field("", alias="TECTON_URL")
    tecton_api_key: SecretStr = Field(SecretStr(""), alias="TECTON_API_KEY")
    policy: Path = Field(Path("config/policy.yaml"), alias="BRIDGE_POLICY")
    mode: Literal["observe", "enforce"] = Field("observe", alias="BRIDGE_MODE")
    secret_key: SecretStr = Field(SecretStr(""), alias="BRIDGE_SECRET_KEY")
    sweep_interval: Duration = Field(timedelta(minutes=15), alias="BRIDGE_SWEEP_INTERVAL")
    coalesce_window: Duration = Field(timedelta(seconds=2), alias="BRIDGE_COALESCE_WINDOW")
    sweep_budget: int | None = Field(None, ge=1, alias="BRIDGE_SWEEP_BUDGET")
    tecton_rate: float = Field(10, gt=0, alias="BRIDGE_TECTON_RATE")
    tecton_concurrency: int = Field(8, ge=1, le=256, alias="BRIDGE_TECTON_CONCURRENCY")
    tecton_timeout: Duration = Field(timedelta(seconds=30), alias="BRIDGE_TECTON_TIMEOUT")
    tecton_service_accounts_path: str = Field("/ServiceAccounts", alias="BRIDGE_TECTON_SERVICE_ACCOUNTS_PATH")
    tecton_scim_auth: Literal["Tecton-key", "Bearer"] = Field("Tecton-key", alias="BRIDGE_TECTON_SCIM_AUTH")
    tecton_paths: str = Field("", alias="BRIDGE_TECTON_PATHS")
    tecton_ingest_url: str = Field("", alias="BRIDGE_TECTON_INGEST_URL")
    vault_token: SecretStr = Field(SecretStr(""), alias="BRIDGE_VAULT_TOKEN")
    retention: Duration = Field(timedelta(days=400), alias="BRIDGE_RETENTION")
    trusted_proxies: int = Field(0, ge=0, le=10, alias="BRIDGE_TRUSTED_PROXIES")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", alias="BRIDGE_LOG_LEVEL")

    @field_validator("sweep_budget", mode="before")
    @classmethod
    def _is_given(cls, value: Any) -> Any:
        return None if value == "" else value

    @property
    def sweep_calls(self) -> int:
        """How many calls a scheduled sweep may make: as many as fit into the interval, less a share for pushes."""
        fitting = int(self.tecton_rate * self.sweep_interval.total_seconds() * SWEEP_SHARE)
        return self.sweep_budget or max(fitting, 1)

    @field_validator("tecton_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with https:// (such as https://acme.tecton.ai)")
        return value.removesuffix("/api")

    @field_validator("tecton_ingest_url")
    @classmethod
    def _is_ingest(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with https:// (such as https://preview.acme.tecton.ai/ingest)")
        return value

    @field_validator("retention")
    @classmethod
    def _is_a_day(cls, value: timedelta) -> timedelta:
        if value < timedelta(days=1):
            raise ValueError("must be at least 1d")
        return value

    @field_validator("sweep_interval", "tecton_timeout")
    @classmethod
    def _is_positive(cls, value: timedelta) -> timedelta:
        if value <= timedelta(0):
            raise ValueError("must be longer than nothing")
        return value


def read_settings(**overrides: Any) -> Settings:
    """Return the settings of this process.

    Raise `SettingsError` naming every variable that cannot be used (never its value: it may be a secret).
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = [
            f"{problem['loc'][0]}: {str(problem['msg']).removeprefix('Value error, ')}" for problem in error.errors()
        ]
        raise SettingsError("\n".join(lines)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{ENV_FILE}: {_unreadable(error)}") from error


def _unreadable(error: OSError | UnicodeDecodeError) -> str:
    reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
    return f"cannot be read ({reason}): make it readable for the user that runs the bridge, or take it away"


def find_unknown_names() -> list[str]:
    """Return a sentence for each variable, set or in `.env`, that is named like a setting and is none.

    It is no error: others may begin their variables alike, as Kubernetes does for a service of that name.
    """
    known = [str(field.alias) for field in Settings.model_fields.values()]
    given = {**dotenv_values(ENV_FILE), **os.environ}
    strange = [name for name in given if _is_ours(name) and name.upper() not in known]
    return [_what_it_may_mean(name, known) for name in sorted(strange)]


def _is_ours(name: str) -> bool:
    return name.upper().startswith(("BRIDGE_", "TECTON_")) and not _KUBERNETES.search(name)


def _what_it_may_mean(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name.upper(), known, 1)
    return f"{name} is no setting, and has no effect" + (f": do you mean {near[0]}?" if near else "")
