"""Feature values: made up, but the same for the same keys, and missing for some of them."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.sandbox.replies import Json
from app.sandbox.world.records import Feature

PRESENT, MISSING = "PRESENT", "MISSING_DATA"
_MISSING_ONE_IN = 8


def feature_value(feature: Feature, keys: Mapping[str, Any]) -> Any:
    """Return a feature's value for some join keys; int64 travels as text."""
    drawn = _number(feature.name, keys)
    if feature.stored and drawn % _MISSING_ONE_IN == 0:
        return None
    return _of_type(feature.type, drawn)


def status_of(value: Any) -> str:
    """Return the serving status of a value."""
    return MISSING if value is None else PRESENT


def data_type(feature: Feature) -> Json:
    """Return a feature's type as answers show it."""
    inner = {"elementType": {"type": feature.element_type}} if feature.element_type else {}
    return {"type": feature.type, **inner}


def effective_time(feature: Feature, now: datetime) -> Json:
    """Return {effectiveTime}, nothing for a feature that is computed while serving."""
    return {"effectiveTime": now.strftime("%Y-%m-%dT%H:00:00Z")} if feature.stored else {}


def slo_info(rows: int) -> Json:
    """Return the timing of a read, made up."""
    seconds = 0.004 + 0.0005 * rows
    size = 1024 * rows
    return {
        "sloEligible": True,
        "sloServerTimeSeconds": seconds,
        "dynamodbResponseSizeBytes": size,
        "serverTimeSeconds": seconds + 0.001,
        "storeMaxLatency": seconds / 2,
        "storeResponseSizeBytes": size,
    }


def _number(name: str, keys: Mapping[str, Any]) -> int:
    described = json.dumps([name, dict(keys)], sort_keys=True).encode()
    return int.from_bytes(hashlib.sha256(described).digest()[:4])


def _of_type(type_: str, drawn: int) -> Any:
    values: dict[str, Any] = {
        "boolean": drawn % 2 == 0,
        "int64": str(drawn % 1000),
        "float64": drawn % 100_000 / 1000,
        "string": f"value-{drawn % 100}",
        "array": [f"{drawn + i:08x}" for i in range(3)],
    }
    return values[type_]
